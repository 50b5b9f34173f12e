"""Fills the shelves, so that there is something to look at."""

from datetime import timedelta
from decimal import Decimal

from django.db import migrations
from django.utils import timezone

KINDS = {
    "tea": ["Assam", "Darjeeling", "Sencha", "Oolong", "Rooibos"],
    "coffee": ["Yirgacheffe", "Antigua", "Mandheling", "Bourbon", "Harrar"],
    "cups": ["Mug", "Bowl", "Beaker", "Goblet", "Tumbler"],
    "pots": ["Teapot", "Cafetiere", "Samovar", "Kettle", "Jug"],
    "filters": ["Paper filter", "Strainer", "Infuser", "Cloth filter", "Sieve"],
    "sweets": ["Shortbread", "Nougat", "Marzipan", "Biscotti", "Toffee"],
    "books": ["Atlas", "Almanac", "Primer", "Diary", "Handbook"],
    "gifts": ["Basket", "Voucher", "Sampler", "Tin", "Hamper"],
}
OF_A_KIND = 12


def fill(apps, schema_editor):
    category, product, review, sale = (
        apps.get_model("store", name)
        for name in ("Category", "Product", "Review", "Sale")
    )
    now = timezone.now()
    for slug, titles in KINDS.items():
        shelf = category.objects.create(name=slug.title(), slug=slug)
        made = product.objects.bulk_create(
            product(
                sku=f"{slug}-{number}",
                title=f"{titles[number % len(titles)]} no. {number}",
                description=f"Number {number} of our {slug}, chosen with care.",
                price=Decimal(5 + number * 7 % 40) + Decimal("0.50"),
                stock=number * 3 % 17,
                category=shelf,
                created=now - timedelta(hours=number),
            )
            for number in range(1, len(titles) * OF_A_KIND + 1)
        )
        review.objects.bulk_create(
            review(product=one, rating=1 + (place + turn) % 5)
            for place, one in enumerate(made)
            for turn in range(place % 4)
        )
        sale.objects.bulk_create(
            sale(product=one, quantity=1 + turn)
            for place, one in enumerate(made)
            for turn in range(place * 7 % 11)
        )


class Migration(migrations.Migration):
    dependencies = [("store", "0001_initial")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
