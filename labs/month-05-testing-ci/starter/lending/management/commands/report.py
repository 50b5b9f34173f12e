"""python manage.py report 2026 [--month 5] [--csv]"""

from django.core.management.base import BaseCommand, CommandError

from lending import reports


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("year", type=int)
        parser.add_argument("--month", type=int)
        parser.add_argument("--csv", action="store_true")

    def handle(self, *args, year, month, **options):
        if options["csv"]:
            reports.write_csv(self.stdout, year)
            return
        try:
            figures = reports.summary(year, month)
        except ValueError as error:
            raise CommandError(str(error)) from error
        for line in reports.lines(figures):
            self.stdout.write(line)
        for code, count in reports.popularity():
            self.stdout.write(f"{code}: {count}")
