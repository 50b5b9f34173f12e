"""Orders on the exchange `orders`, for whoever wants to hear of them."""

from django.conf import settings
from kombu import Connection, Exchange, Queue
from kombu.pools import producers
# goal: traced

from . import tracing
# end

ORDERS = Exchange("orders", type="topic", durable=True)
# goal: dead-letter
DEAD = Exchange("orders.dead", type="fanout", durable=True)
DEAD_QUEUE = Queue("warehouse.dead", DEAD, durable=True, queue_arguments={"x-queue-type": "quorum"})
# end


def warehouse(region):
    arguments = {"x-queue-type": "quorum"}
    # goal: dead-letter
    # Two more tries after the first; then it is dead.
    arguments |= {"x-delivery-limit": 2, "x-dead-letter-exchange": DEAD.name}
    # end
    return Queue(f"warehouse.{region}", ORDERS, f"order.{region}.*", durable=True, queue_arguments=arguments)


WAREHOUSES = [warehouse("eu"), warehouse("us")]
QUEUES = [
    *WAREHOUSES,
    Queue("express", ORDERS, "order.*.express", durable=True),
    Queue("audit", ORDERS, "order.#", durable=True),
]

connection = Connection(settings.RABBITMQ_URL)


def declare(channel):
    # goal: dead-letter
    DEAD_QUEUE(channel).declare()
    # end
    for queue in QUEUES:
        queue(channel).declare()


def order_placed(order):
    speed = "express" if order.express else "standard"
    message = {"order": order.number, "customer": order.customer, "region": order.region, "sku": order.sku}
    # goal: traced
    message["request_id"] = tracing.current.get()
    # end
    with producers[connection].acquire(block=True) as producer:
        producer.publish(
            message,
            exchange=ORDERS,
            routing_key=f"order.{order.region}.{speed}",
            declare=[ORDERS, *QUEUES],
            delivery_mode="persistent",
            retry=True,
            retry_policy={"max_retries": 10, "interval_step": 0.2, "interval_max": 1},
        )
