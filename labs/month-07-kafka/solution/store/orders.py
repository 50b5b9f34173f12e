# goal: events
from . import events
# end
from .models import Order


def place(customer, amount):
    """Takes one order. Everything that is to happen because of it begins here."""
    number = Order.objects.filter(customer=customer).count() + 1
    order = Order.objects.create(customer=customer, number=number, amount=amount)
    # goal: events
    events.order_placed(order)
    # end
    return order
