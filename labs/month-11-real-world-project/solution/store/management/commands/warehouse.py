"""Packs what is ordered. It listens to the shop's own queues, and is no Celery worker."""

# goal: traced
import logging

# end
from django.conf import settings
from django.core.management.base import BaseCommand
from kombu import Connection
from kombu.mixins import ConsumerMixin

# goal: traced
from store import events, tracing, work

log = logging.getLogger("shop")
# without
#- from store import events, work
# end


class Warehouse(ConsumerMixin):
    def __init__(self, connection):
        self.connection = connection

    def get_consumers(self, Consumer, channel):
        events.declare(channel)
        handlers = {"callbacks": [self.pack]}
        # goal: dead-letter
        handlers["on_decode_error"] = self.unreadable
        # end
        return [Consumer(events.WAREHOUSES, accept=["json"], prefetch_count=1, **handlers)]

    def pack(self, body, message):
        # goal: traced
        tracing.begin(body.get("request_id", "") if isinstance(body, dict) else "")
        # end
        # goal: dead-letter
        try:
            work.pack(body["order"], body["sku"])
        except (work.Unpackable, KeyError, TypeError):
            # The queue counts, and knows when it has been enough.
            message.requeue()
            return
        # without
        #- try:
        #-     work.pack(body["order"], body["sku"])
        #- except work.Unpackable as error:
        #-     print(error)
        # end
        # goal: traced
        log.info("order %s is packed", body["order"])
        # end
        message.ack()
    # goal: dead-letter

    def unreadable(self, message, error):
        message.requeue()
    # end


class Command(BaseCommand):
    def handle(self, **options):
        with Connection(settings.RABBITMQ_URL, heartbeat=10) as connection:
            Warehouse(connection).run()
