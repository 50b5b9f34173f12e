"""Packs what is ordered. Not a Celery worker: it listens to the shop's own queues."""

from django.conf import settings
from django.core.management.base import BaseCommand
from kombu import Connection
from kombu.mixins import ConsumerMixin

from store import events, work


class Warehouse(ConsumerMixin):
    def __init__(self, connection):
        self.connection = connection

    def get_consumers(self, Consumer, channel):
        events.declare(channel)
        # goal: dead-letter
        return [
            Consumer(
                events.WAREHOUSES,
                callbacks=[self.pack],
                on_decode_error=self.unreadable,
                accept=["json"],
                prefetch_count=1,
            )
        ]
        # without
        #- return [Consumer(events.WAREHOUSES, callbacks=[self.pack], accept=["json"], prefetch_count=1)]
        # end

    def pack(self, body, message):
        # goal: dead-letter
        try:
            work.pack(body["order"], body["sku"])
        except (work.Unpackable, KeyError, TypeError):
            message.requeue()
        else:
            message.ack()
        # without
        #- try:
        #-     work.pack(body["order"], body["sku"])
        #- except work.Unpackable as error:
        #-     print(error)
        #- message.ack()
        # end

    # goal: dead-letter
    def unreadable(self, message, error):
        message.requeue()
    # end


class Command(BaseCommand):
    def handle(self, **options):
        with Connection(settings.RABBITMQ_URL, heartbeat=10) as connection:
            Warehouse(connection).run()
