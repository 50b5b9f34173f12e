import uuid

from django.db import models


def new_number():
    return uuid.uuid4().hex


class Order(models.Model):
    number = models.CharField(max_length=32, unique=True, default=new_number)
    customer = models.CharField(max_length=200, db_index=True)
    region = models.CharField(max_length=20)
    express = models.BooleanField(default=False)
    sku = models.CharField(max_length=50, default="tea")
    amount = models.IntegerField(default=10)
    state = models.CharField(max_length=20, default="NEW")
