from django.db import models


class Product(models.Model):
    sku = models.CharField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    price = models.IntegerField(default=0, help_text="in cents")


class Tasting(models.Model):
    """An evening with tea. Its seats can be booked."""

    title = models.CharField(max_length=200)
    left = models.IntegerField(help_text="seats that nobody has booked")


class Booking(models.Model):
    """One seat at a tasting, and whose it is."""

    tasting = models.ForeignKey(
        Tasting, on_delete=models.PROTECT, related_name="bookings"
    )
    customer = models.CharField(max_length=200)
