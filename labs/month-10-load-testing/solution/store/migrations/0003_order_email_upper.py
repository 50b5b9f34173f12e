from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    dependencies = [("store", "0002_last_saturday")]
    operations = [
        migrations.AddIndex(
            model_name="order",
            index=models.Index(Upper("email"), name="order_email_upper"),
        ),
    ]
