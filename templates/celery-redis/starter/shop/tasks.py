import redis
from django.conf import settings

packed = redis.Redis.from_url(f"{settings.REDIS_URL}/1")


def pack(number):
    packed.set(number, "yes")
