# goal: killed
# without
#- import uuid
#-
# end
from celery import shared_task

from . import work
from .models import Order


# goal: killed
@shared_task(acks_late=True, reject_on_worker_lost=True)
# without
#- @shared_task
# end
def charge(number):
    order = Order.objects.get(number=number)
    # goal: killed
    if order.state == "PAID":
        return
    work.charge(order, key=f"order-{order.number}")
    # without
    #- work.charge(order, key=str(uuid.uuid4()))
    # end
    order.state = "PAID"
    order.save(update_fields=["state"])
