"""Prices change here and nowhere else."""

from django.db import transaction
from django.shortcuts import get_object_or_404

from .models import PriceChange, Product


@transaction.atomic
def change(sku, price):
    """The price and the diary of prices change together, or not at all."""
    product = get_object_or_404(Product.objects.select_for_update(), sku=sku)
    product.price = price
    product.save(update_fields=["price"])
    PriceChange.objects.create(product=product, price=price)
