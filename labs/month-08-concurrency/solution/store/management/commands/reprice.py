"""The nightly price run: what do the products cost at the wholesaler's today?"""

# goal: batch
from concurrent.futures import ThreadPoolExecutor

# end
from django.core.management.base import BaseCommand
from django.db import transaction

from store.exchange import exchange
from store.models import Product

WHOLESALER = 1
# goal: batch
AT_ONCE = 12
# end


class Command(BaseCommand):
    """All prices change, or none."""

    def add_arguments(self, parser):
        parser.add_argument("prefix", help="of the products' skus")

    # goal: batch
    def handle(self, prefix, **options):
        session = exchange()
        products = list(Product.objects.filter(sku__startswith=prefix))

        def ask(product):
            return session.price(WHOLESALER, product.sku)

        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            prices = list(pool.map(ask, products))
        # Threads ask, and write nothing: each would do so over a connection of its own,
        # outside of this transaction.
        with transaction.atomic():
            for product, price in zip(products, prices, strict=True):
                product.price = price
                product.save(update_fields=["price"])
    # without
    #- @transaction.atomic
    #- def handle(self, prefix, **options):
    #-     session = exchange()
    #-     for product in Product.objects.filter(sku__startswith=prefix):
    #-         product.price = session.price(WHOLESALER, product.sku)
    #-         product.save(update_fields=["price"])
    # end
