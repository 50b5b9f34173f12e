"""Gives what lies in warehouse.dead another chance, each message in the queue where it died."""

from django.conf import settings
from django.core.management.base import BaseCommand
from kombu import Connection

from store import events


class Command(BaseCommand):
    def handle(self, **options):
        with Connection(settings.RABBITMQ_URL) as connection:
            channel = connection.channel()
            dead = events.DEAD_QUEUE(channel)
            dead.declare()
            producer = connection.Producer(channel)
            # As many as there are now: what dies anew meanwhile waits for the next time.
            for _ in range(dead.queue_declare(passive=True).message_count):
                message = dead.get()
                if message is None:
                    break
                producer.publish(
                    message.body,
                    exchange="",
                    routing_key=message.headers["x-death"][0]["queue"],
                    content_type=message.content_type,
                    content_encoding=message.content_encoding,
                    delivery_mode="persistent",
                )
                message.ack()
