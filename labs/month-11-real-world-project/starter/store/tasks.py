import uuid

from celery import shared_task

from . import work
from .models import Order


@shared_task
def charge(number):
    order = Order.objects.get(number=number)
    work.charge(order, key=str(uuid.uuid4()))
    order.state = "PAID"
    order.save(update_fields=["state"])
