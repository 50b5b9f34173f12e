import redis
# goal: no-waiting
from celery import shared_task
# end
from django.conf import settings

packed = redis.Redis.from_url(f"{settings.REDIS_URL}/1")


# goal: no-waiting
@shared_task
# end
def pack(number):
    packed.set(number, "yes")
