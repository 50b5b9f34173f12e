"""Orders are taken, paid and found."""

from django.db import transaction
# goal: checkout
from django.db.models import F
# end

from . import partners
from .models import Order, Product


class SoldOut(Exception):
    pass


def place(product_id, email):
    """Takes an order: one piece leaves the stock, and the customer's card is charged.

    Raises SoldOut, partners.Refused or partners.Away; then it is as if nobody had
    ordered.
    """
    # goal: checkout
    with transaction.atomic():
        # One statement looks and takes, so that nobody comes between.
        left = Product.objects.filter(pk=product_id, stock__gte=1)
        if not left.update(stock=F("stock") - 1):
            raise SoldOut
        order = Order.objects.create(
            product_id=product_id, email=email, state="RESERVED"
        )
    # The bank takes its time, and nobody else waits for it: the transaction is over.
    try:
        partners.charge(email, order.product.price)
    except (partners.Refused, partners.Away):
        with transaction.atomic():
            Product.objects.filter(pk=product_id).update(stock=F("stock") + 1)
            order.delete()
        raise
    order.state = "PAID"
    order.save(update_fields=["state"])
    return order
    # without
    #- with transaction.atomic():
    #-     # Nobody else may take the last piece meanwhile.
    #-     product = Product.objects.select_for_update().get(pk=product_id)
    #-     if product.stock < 1:
    #-         raise SoldOut
    #-     partners.charge(email, product.price)
    #-     product.stock -= 1
    #-     product.save(update_fields=["stock"])
    #-     return Order.objects.create(product=product, email=email, state="PAID")
    # end


def find(email):
    """The orders of a customer, who may write the address in small or big letters."""
    found = Order.objects.filter(email__iexact=email).order_by("id")
    return list(found.values("id", "product", "state"))
