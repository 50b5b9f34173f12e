import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("customer", models.CharField(db_index=True, max_length=200)),
                ("number", models.IntegerField(help_text="the customer's first order is 1, the next one 2")),
                ("amount", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Balance",
            fields=[
                ("customer", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("orders", models.IntegerField(default=0)),
                ("total", models.IntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Projected",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event_id", models.CharField(db_index=True, max_length=64)),
                ("customer", models.CharField(db_index=True, max_length=200)),
                ("number", models.IntegerField()),
                ("worker", models.CharField(help_text="host name of the projector that did it", max_length=64)),
            ],
        ),
    ]
