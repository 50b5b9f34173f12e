"""Money is counted in cents, weight in grams."""

from django.db import models


class Product(models.Model):
    sku = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=200)
    price = models.IntegerField()
    weight = models.IntegerField()
    stock = models.IntegerField()


class Coupon(models.Model):
    code = models.CharField(max_length=40, unique=True)
    percent = models.IntegerField()
    left = models.IntegerField(help_text="how often it can still be used")
    until = models.DateField(null=True, help_text="its last day; without one it stays")


class Order(models.Model):
    number = models.CharField(max_length=40, unique=True)
    email = models.EmailField(db_index=True)
    country = models.CharField(max_length=2)
    weight = models.IntegerField()
    subtotal = models.IntegerField()
    coupon = models.CharField(max_length=40, null=True)
    discounts = models.JSONField(default=list)
    goods = models.IntegerField()
    shipping_method = models.CharField(max_length=40)
    shipping_cost = models.IntegerField()
    vat = models.IntegerField()
    total = models.IntegerField()
    payment_method = models.CharField(max_length=40)
    payment_reference = models.CharField(max_length=200)


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    sku = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    quantity = models.IntegerField()
    price = models.IntegerField()
    total = models.IntegerField()
