"""Events of the shop, on their way to whoever wants to know."""

import atexit
import json
import uuid
from datetime import UTC, datetime
from functools import cache

from confluent_kafka import Producer
from django.conf import settings


@cache
def producer():
    """One for the process. It sends in the background and tries again while the broker is away."""
    made = Producer(
        {
            "bootstrap.servers": settings.KAFKA_SERVERS,
            "acks": "all",
            "max.in.flight": 1,
            "partitioner": "murmur2_random",
        }
    )
    # A process that ends waits for what is still on its way.
    atexit.register(made.flush, 30)
    return made


def order_placed(order):
    event = {
        "event_id": str(uuid.uuid4()),
        "type": "order.placed",
        "version": 1,
        "occurred_at": datetime.now(UTC).isoformat(),
        "order": str(order.id),
        "customer": order.customer,
        "number": order.number,
        "amount": order.amount,
    }
    producer().produce("orders", key=order.customer, value=json.dumps(event))
    producer().poll(0)
