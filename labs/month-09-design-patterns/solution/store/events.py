"""What has happened, and who wants to know."""

# goal: isolated
import copy
import logging

# end
from . import notices

# goal: isolated
logger = logging.getLogger(__name__)

# end
observers = {
    "order.placed": [notices.thank, notices.have_packed, notices.book],
    "payment.declined": [notices.regret],
}


def listen(event, observer):
    observers.setdefault(event, []).append(observer)


def publish(event, order):
    for observer in observers.get(event, []):
        # goal: isolated
        try:
            # Each has a copy of its own, to do with as it likes.
            observer(copy.deepcopy(order))
        except Exception:
            logger.exception("%s of %s: an observer failed", event, order["number"])
        # without
        #- observer(order)
        # end
