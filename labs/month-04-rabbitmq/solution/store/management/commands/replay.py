"""Gives the dead messages another chance, each in the queue where it died."""

from django.core.management.base import BaseCommand
from kombu import Connection
from django.conf import settings

from store import events


class Command(BaseCommand):
    def handle(self, **options):
        with Connection(settings.RABBITMQ_URL) as connection:
            channel = connection.channel()
            dead = events.DEAD_QUEUE(channel)
            producer = connection.Producer(channel)
            waiting = dead.queue_declare(passive=True).message_count
            for _ in range(waiting):
                message = dead.get(accept=["json"])
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
