from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0002_first_products")]

    operations = [
        migrations.AddField("order", "key", models.CharField(max_length=100, null=True, unique=True)),
        migrations.AddField("order", "asked", models.JSONField(null=True)),
    ]
