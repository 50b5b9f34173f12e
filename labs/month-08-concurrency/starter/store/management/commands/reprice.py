"""The nightly price run: what do the products cost at the wholesaler's today?"""

from django.core.management.base import BaseCommand
from django.db import transaction

from store.exchange import exchange
from store.models import Product

WHOLESALER = 1


class Command(BaseCommand):
    """All prices change, or none."""

    def add_arguments(self, parser):
        parser.add_argument("prefix", help="of the products' skus")

    @transaction.atomic
    def handle(self, prefix, **options):
        session = exchange()
        for product in Product.objects.filter(sku__startswith=prefix):
            product.price = session.price(WHOLESALER, product.sku)
            product.save(update_fields=["price"])
