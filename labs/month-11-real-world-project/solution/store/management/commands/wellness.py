"""Says who is there and who is away; fails when somebody is away."""

from django.core.management.base import BaseCommand, CommandError

from store import ready


class Command(BaseCommand):
    def handle(self, **options):
        away = [name for name, ask in ready.ASKED.items() if not ready.answers(ask)]
        for name in ready.ASKED:
            self.stdout.write(f"{name}: {'AWAY' if name in away else 'there'}")
        if away:
            raise CommandError(f"away: {', '.join(away)}")
