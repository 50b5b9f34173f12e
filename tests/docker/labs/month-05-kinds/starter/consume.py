"""`create TOPIC…` makes topics of three partitions; `read GROUP TOPIC COUNT` reads and commits."""
import sys

from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient, NewTopic

servers = "kafka:9092"
if sys.argv[1] == "create":
    admin = AdminClient({"bootstrap.servers": servers})
    for name in sys.argv[2:]:
        admin.create_topics([NewTopic(name, num_partitions=3, replication_factor=1)])[name].result()
else:
    consumer = Consumer(
        {"bootstrap.servers": servers, "group.id": sys.argv[2], "auto.offset.reset": "earliest",
         "enable.auto.commit": False}
    )
    consumer.subscribe([sys.argv[3]])
    left = int(sys.argv[4])
    while left:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        consumer.commit(message, asynchronous=False)
        left -= 1
    consumer.close()
