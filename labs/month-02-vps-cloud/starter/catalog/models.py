from django.db import models


class Order(models.Model):
    product = models.CharField(max_length=50)
    email = models.CharField(max_length=200)
    placed = models.DateTimeField(auto_now_add=True)
