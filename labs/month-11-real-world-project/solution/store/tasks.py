# goal: traced
import logging

# end
# goal: killed
# without
#- import uuid
#-
# end
from celery import shared_task

# goal: traced
from . import tracing, work
# without
#- from . import work
# end
from .models import Order
# goal: traced

log = logging.getLogger("shop")
# end


# goal: killed
@shared_task(acks_late=True, reject_on_worker_lost=True)
# without
#- @shared_task
# end
# goal: traced
def charge(number, request_id=""):
    tracing.begin(request_id)
# without
#- def charge(number):
# end
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
    # goal: traced
    log.info("order %s is paid", order.number)
    # end
