"""Whether the shop could serve somebody now."""

from amqp import Connection as Broker
from django.conf import settings
from django.db import connection
from kombu.utils.url import parse_url
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# In seconds. Whoever has not answered by then is away.
PATIENCE = 1.5


def database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def broker():
    where = parse_url(settings.RABBITMQ_URL)
    with Broker(
        host=f"{where['hostname']}:{where['port'] or 5672}",
        userid=where["userid"],
        password=where["password"],
        virtual_host=where["virtual_host"],
        connect_timeout=PATIENCE,
    ):
        pass


def cache():
    patience = {"socket_connect_timeout": PATIENCE, "socket_timeout": PATIENCE, "retry": Retry(NoBackoff(), 0)}
    with Redis.from_url(settings.REDIS_URL, **patience) as redis:
        redis.ping()


# Without these no order can be taken; without the cache the shop is slower.
NEEDED = {"database": database, "broker": broker}
ASKED = {**NEEDED, "cache": cache}


def look():
    """Who is there, by name, and whether that is enough."""
    found = {name: answers(ask) for name, ask in ASKED.items()}
    return {"ready": all(found[name] for name in NEEDED), **found}


def answers(ask):
    try:
        ask()
    except Exception:
        return False
    return True
