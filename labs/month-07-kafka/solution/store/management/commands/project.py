"""Keeps the read model up to date. Any number of these may run; they share the partitions."""

import signal
import time

from confluent_kafka import Consumer
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import OperationalError, connection

from store import events, projection


class Command(BaseCommand):
    def handle(self, **options):
        self.running = True
        signal.signal(signal.SIGTERM, self.stop)
        consumer = Consumer(
            {
                "bootstrap.servers": settings.KAFKA_SERVERS,
                "group.id": "projector",
                "auto.offset.reset": "earliest",
                # goal: resume
                "enable.auto.commit": False,
                # end
                # goal: group
                # A member that is silent for so long is dead, and others take its partitions.
                "session.timeout.ms": 6000,
                # end
            }
        )
        consumer.subscribe(["orders"])
        while self.running:
            messages = [message for message in consumer.consume(100, timeout=0.5) if message.error() is None]
            for message in messages:
                self.project(message)
            # goal: resume
            if messages:
                consumer.commit(asynchronous=False)
            # end
        consumer.close()

    def stop(self, *args):
        self.running = False

    def project(self, message):
        # goal: poison
        try:
            event = projection.read(message.value())
        except projection.Unreadable as error:
            headers = {"reason": str(error), "partition": str(message.partition()), "offset": str(message.offset())}
            events.producer().produce("orders.dead", key=message.key(), value=message.value(), headers=headers)
            events.producer().flush(30)
            return
        # without
        #- event = projection.read(message.value())
        # end
        while True:
            try:
                projection.project(event)
                return
            except OperationalError as error:
                # The database is away: this is no fault of the event.
                self.stderr.write(f"waiting for the database: {error}")
                connection.close()
                time.sleep(1)
