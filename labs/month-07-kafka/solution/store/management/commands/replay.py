"""Makes the read model anew from all events that there are. The projectors have to be stopped meanwhile."""

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from store import projection
from store.models import Balance, Projected


class Command(BaseCommand):
    def handle(self, **options):
        consumer = Consumer(
            {"bootstrap.servers": settings.KAFKA_SERVERS, "group.id": "replay", "enable.auto.commit": False}
        )
        partitions = consumer.list_topics("orders", timeout=10).topics["orders"].partitions
        ends = {}
        for number in partitions:
            first, end = consumer.get_watermark_offsets(TopicPartition("orders", number), timeout=10)
            if end > first:
                ends[number] = end
        consumer.assign([TopicPartition("orders", number, OFFSET_BEGINNING) for number in ends])
        with transaction.atomic():
            Projected.objects.all().delete()
            Balance.objects.all().delete()
            while ends:
                for message in consumer.consume(500, timeout=5):
                    if message.error():
                        raise RuntimeError(message.error())
                    try:
                        projection.project(projection.read(message.value()))
                    except projection.Unreadable:
                        pass
                    if message.offset() + 1 >= ends.get(message.partition(), 0):
                        ends.pop(message.partition(), None)
        consumer.close()
