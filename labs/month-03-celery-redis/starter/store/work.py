"""The slow work of the shop. It is right as it is: what is wrong is where it is done."""

import csv
import time
from decimal import Decimal, InvalidOperation

from django.core.mail import send_mail

from .models import Product


def welcome(customer):
    """Greets a new customer. The post office takes its time."""
    send_mail(
        subject=f"Welcome, {customer.name}!",
        message=f"Hello {customer.name},\n\nyour account at the shop is ready.\n",
        from_email=None,
        recipient_list=[customer.email],
    )


def sales_report(region):
    """Adds up the sales of a region. The warehouse's old system needs a while for it."""
    time.sleep(2)
    if not region.isalpha():
        raise ValueError(f"there is no region {region!r}")
    orders = len(region) * 7
    return {"region": region, "orders": orders, "revenue": orders * 25}


def import_row(row):
    """Takes one row of a price list over; raises ValueError when it makes no sense."""
    time.sleep(0.05)
    sku, title = (row.get("sku") or "").strip(), (row.get("title") or "").strip()
    if not sku or not title:
        raise ValueError("sku and title are needed")
    try:
        price = Decimal(row.get("price") or "")
    except InvalidOperation:
        raise ValueError(f"{row.get('price')!r} is not a price") from None
    Product.objects.update_or_create(sku=sku, defaults={"title": title, "price": price})


def rows(path):
    """The rows of a price list with their line numbers; the header is line 1."""
    with open(path, newline="", encoding="utf-8") as file:
        yield from enumerate(csv.DictReader(file), start=2)
