import django.db.models.deletion
from django.db import migrations, models

import store.models


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Category",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("slug", models.SlugField(unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sku", models.CharField(max_length=60, unique=True)),
                ("title", models.CharField(max_length=200)),
                ("price", models.DecimalField(decimal_places=2, max_digits=8)),
                ("category", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="store.category")),
            ],
        ),
        migrations.CreateModel(
            name="Voucher",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40, unique=True)),
                ("value", models.DecimalField(decimal_places=2, max_digits=8)),
                ("last_day", models.DateField()),
            ],
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(default=store.models.new_number, max_length=32, unique=True)),
                ("customer", models.CharField(db_index=True, max_length=200)),
                ("region", models.CharField(max_length=20)),
                ("express", models.BooleanField(default=False)),
                ("sku", models.CharField(default="tea", max_length=60)),
                ("quantity", models.IntegerField(default=1)),
                ("amount", models.DecimalField(decimal_places=2, max_digits=10)),
                ("state", models.CharField(default="NEW", max_length=20)),
                ("placed", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
