from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0002_first_delivery")]

    operations = [
        migrations.AddIndex(
            model_name="product",
            index=models.Index(fields=("category", "-created", "-id"), name="newest"),
        ),
    ]
