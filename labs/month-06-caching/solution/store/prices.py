"""Prices change here and nowhere else."""

# goal: query-cache
# goal: invalidation
from functools import partial

# end
# end
from django.db import transaction
from django.shortcuts import get_object_or_404

# goal: query-cache
# goal: invalidation
from . import cached
# end
# end
from .models import PriceChange, Product


@transaction.atomic
def change(sku, price):
    """The price and the diary of prices change together, or not at all."""
    product = get_object_or_404(Product.objects.select_for_update(), sku=sku)
    product.price = price
    product.save(update_fields=["price"])
    PriceChange.objects.create(product=product, price=price)
    # goal: query-cache
    # goal: invalidation
    # Before the commit, everybody else still reads the old price, and would keep it.
    transaction.on_commit(partial(cached.forget, sku))
    # end
    # end
