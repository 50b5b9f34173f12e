import uuid

from django.db import models


def new_number():
    return uuid.uuid4().hex


class Category(models.Model):
    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True)


class Product(models.Model):
    sku = models.CharField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    category = models.ForeignKey(Category, on_delete=models.CASCADE)


class Voucher(models.Model):
    code = models.CharField(max_length=40, unique=True)
    value = models.DecimalField(max_digits=8, decimal_places=2)
    last_day = models.DateField()


class Order(models.Model):
    number = models.CharField(max_length=32, unique=True, default=new_number)
    customer = models.CharField(max_length=200, db_index=True)
    region = models.CharField(max_length=20)
    express = models.BooleanField(default=False)
    sku = models.CharField(max_length=60, default="tea")
    quantity = models.IntegerField(default=1)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    state = models.CharField(max_length=20, default="NEW")
    placed = models.DateTimeField(auto_now_add=True)
    # goal: contract
    # The request's Idempotency-Key, and what it asked for.
    key = models.CharField(max_length=100, null=True, unique=True)
    asked = models.JSONField(null=True)
    # end
