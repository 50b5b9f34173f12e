"""Hands the charge of every order that is still NEW out once more. A charge that comes twice does no harm."""

import datetime

from django.core.management.base import BaseCommand
from django.utils import timezone

from store import tasks
from store.models import Order


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("--older-than", type=int, default=600, metavar="SECONDS")

    def handle(self, older_than, **options):
        before = timezone.now() - datetime.timedelta(seconds=older_than)
        waiting = Order.objects.filter(state="NEW", placed__lte=before).order_by("placed")
        for number in waiting.values_list("number", flat=True):
            tasks.charge.delay(number)
            self.stdout.write(f"{number} is handed out again")
