"""Orders are taken, paid and found."""

from django.db import transaction

from . import partners
from .models import Order, Product


class SoldOut(Exception):
    pass


def place(product_id, email):
    """Takes an order: one piece leaves the stock, and the customer's card is charged.

    Raises SoldOut, partners.Refused or partners.Away; then it is as if nobody had
    ordered.
    """
    with transaction.atomic():
        # Nobody else may take the last piece meanwhile.
        product = Product.objects.select_for_update().get(pk=product_id)
        if product.stock < 1:
            raise SoldOut
        partners.charge(email, product.price)
        product.stock -= 1
        product.save(update_fields=["stock"])
        return Order.objects.create(product=product, email=email, state="PAID")


def find(email):
    """The orders of a customer, who may write the address in small or big letters."""
    found = Order.objects.filter(email__iexact=email).order_by("id")
    return list(found.values("id", "product", "state"))
