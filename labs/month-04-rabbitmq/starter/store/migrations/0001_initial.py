from django.db import migrations, models

import store.models


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(default=store.models.new_number, max_length=32, unique=True)),
                ("customer", models.CharField(db_index=True, max_length=200)),
                ("region", models.CharField(max_length=20)),
                ("express", models.BooleanField(default=False)),
                ("sku", models.CharField(default="tea", max_length=50)),
                ("amount", models.IntegerField(default=10)),
                ("state", models.CharField(default="NEW", max_length=20)),
            ],
        ),
    ]
