import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Coupon",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("code", models.CharField(max_length=40, unique=True)),
                ("percent", models.IntegerField()),
                (
                    "left",
                    models.IntegerField(help_text="how often it can still be used"),
                ),
                (
                    "until",
                    models.DateField(
                        help_text="its last day; without one it stays", null=True
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("number", models.CharField(max_length=40, unique=True)),
                ("email", models.EmailField(db_index=True, max_length=254)),
                ("country", models.CharField(max_length=2)),
                ("weight", models.IntegerField()),
                ("subtotal", models.IntegerField()),
                ("coupon", models.CharField(max_length=40, null=True)),
                ("discounts", models.JSONField(default=list)),
                ("goods", models.IntegerField()),
                ("shipping_method", models.CharField(max_length=40)),
                ("shipping_cost", models.IntegerField()),
                ("vat", models.IntegerField()),
                ("total", models.IntegerField()),
                ("payment_method", models.CharField(max_length=40)),
                ("payment_reference", models.CharField(max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("sku", models.CharField(max_length=40, unique=True)),
                ("title", models.CharField(max_length=200)),
                ("price", models.IntegerField()),
                ("weight", models.IntegerField()),
                ("stock", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="OrderLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("sku", models.CharField(max_length=40)),
                ("title", models.CharField(max_length=200)),
                ("quantity", models.IntegerField()),
                ("price", models.IntegerField()),
                ("total", models.IntegerField()),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="store.order",
                    ),
                ),
            ],
        ),
    ]
