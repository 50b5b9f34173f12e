"""Run every night: what nobody came for goes to the next in the queue."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from lending import rules


class Command(BaseCommand):
    def handle(self, *args, **options):
        count = rules.expire_holds(timezone.localdate())
        self.stdout.write(f"{count} expired")
