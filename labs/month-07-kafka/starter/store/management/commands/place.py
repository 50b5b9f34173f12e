"""Takes orders that came by post."""

from django.core.management.base import BaseCommand

from store import orders


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("customer")
        parser.add_argument("amounts", type=int, nargs="+")

    def handle(self, customer, amounts, **options):
        for amount in amounts:
            orders.place(customer, amount)
