from datetime import date

from django.db import migrations

PRODUCTS = [
    # sku, title, cents, grams, pieces
    ("tea", "Tea", 650, 250, 1_000_000),
    ("cup", "Cup", 1200, 400, 1_000_000),
    ("pot", "Pot", 4900, 1500, 1_000_000),
    ("kettle", "Kettle", 8900, 2100, 1_000_000),
    ("spoon", "Spoon", 190, 30, 1_000_000),
    ("anvil", "Anvil", 7500, 12_000, 1_000_000),
    ("samovar", "Samovar", 45_000, 6800, 0),
    ("tray", "Tray", 2200, 900, 3),
]
COUPONS = [
    # code, percent, how often, until
    ("SPRING", 15, 1_000_000, None),
    ("FRIENDS", 25, 1_000_000, None),
    ("GONE", 10, 0, None),
    ("OLD", 10, 1_000_000, date(2020, 2, 29)),
]


def fill(apps, schema_editor):
    product, coupon = (
        apps.get_model("store", "Product"),
        apps.get_model("store", "Coupon"),
    )
    for sku, title, price, weight, stock in PRODUCTS:
        product.objects.create(
            sku=sku, title=title, price=price, weight=weight, stock=stock
        )
    for code, percent, left, until in COUPONS:
        coupon.objects.create(code=code, percent=percent, left=left, until=until)


class Migration(migrations.Migration):
    dependencies = [("store", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
