from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=100)
    email = models.EmailField(unique=True)
    welcomed = models.BooleanField(default=False)


class Product(models.Model):
    sku = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=8, decimal_places=2)


class Import(models.Model):
    """One uploaded price list. `state` is RUNNING until every row was looked at, then DONE."""

    path = models.CharField(max_length=200)
    state = models.CharField(max_length=10, default="RUNNING")
    imported = models.IntegerField(default=0)
    rejected = models.JSONField(default=list)
