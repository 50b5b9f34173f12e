import django.db.models.deletion
from django.db import migrations, models


def key():
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def reference(to, on_delete, name):
    return models.ForeignKey(to=to, on_delete=on_delete, related_name=name)


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            name="Category",
            fields=[
                ("id", key()),
                ("name", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", key()),
                ("name", models.CharField(max_length=40)),
            ],
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", key()),
                ("name", models.CharField(max_length=200)),
                ("price", models.DecimalField(decimal_places=2, max_digits=8)),
                ("stock", models.IntegerField(default=0)),
                (
                    "category",
                    reference(
                        "store.category", django.db.models.deletion.PROTECT, "products"
                    ),
                ),
                (
                    "tags",
                    models.ManyToManyField(related_name="products", to="store.tag"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", key()),
                ("stars", models.IntegerField()),
                (
                    "product",
                    reference(
                        "store.product", django.db.models.deletion.CASCADE, "reviews"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", key()),
                ("email", models.EmailField(max_length=254)),
                ("state", models.CharField(max_length=10)),
                (
                    "product",
                    reference(
                        "store.product", django.db.models.deletion.PROTECT, "orders"
                    ),
                ),
            ],
        ),
    ]
