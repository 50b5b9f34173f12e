from django.db import migrations

PRODUCTS = [
    ("tea", "Green tea, 100 g", "3.50", "drinks"),
    ("cup", "A cup without a handle", "8.00", "dishes"),
    ("pot", "A pot for four cups", "24.90", "dishes"),
]


def fill(apps, editor):
    categories = apps.get_model("store", "Category").objects
    kinds = {slug: categories.create(name=slug.title(), slug=slug) for slug in ("drinks", "dishes")}
    products = apps.get_model("store", "Product").objects
    for sku, title, price, slug in PRODUCTS:
        products.create(sku=sku, title=title, price=price, category=kinds[slug])


class Migration(migrations.Migration):
    dependencies = [("store", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
