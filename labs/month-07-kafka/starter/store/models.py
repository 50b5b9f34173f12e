import uuid

from django.db import models


class Order(models.Model):
    """What the shop knows: the truth about an order."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    customer = models.CharField(max_length=200, db_index=True)
    number = models.IntegerField(help_text="the customer's first order is 1, the next one 2")
    amount = models.IntegerField()


class Balance(models.Model):
    """The read model: what each customer has spent. Nobody but the projector writes here."""

    customer = models.CharField(max_length=200, primary_key=True)
    orders = models.IntegerField(default=0)
    total = models.IntegerField(default=0)


class Projected(models.Model):
    """The read model's diary: each event that went into it, in the order in which it did."""

    event_id = models.CharField(max_length=64, db_index=True)
    customer = models.CharField(max_length=200, db_index=True)
    number = models.IntegerField()
    worker = models.CharField(max_length=64, help_text="host name of the projector that did it")
