"""Makes the topics of the shop; those that are there stay as they are."""

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic
from django.conf import settings
from django.core.management.base import BaseCommand

TOPICS = [
    NewTopic("orders", num_partitions=3, replication_factor=1),
    NewTopic("orders.dead", num_partitions=1, replication_factor=1),
]


class Command(BaseCommand):
    def handle(self, **options):
        admin = AdminClient({"bootstrap.servers": settings.KAFKA_SERVERS})
        for name, done in admin.create_topics(TOPICS).items():
            try:
                done.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
