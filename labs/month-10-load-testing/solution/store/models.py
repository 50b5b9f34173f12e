from django.db import models
# goal: find
from django.db.models.functions import Upper
# end


class Category(models.Model):
    name = models.CharField(max_length=100)


class Tag(models.Model):
    name = models.CharField(max_length=40)


class Product(models.Model):
    category = models.ForeignKey(Category, models.PROTECT, related_name="products")
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    stock = models.IntegerField(default=0)
    tags = models.ManyToManyField(Tag, related_name="products")


class Review(models.Model):
    product = models.ForeignKey(Product, models.CASCADE, related_name="reviews")
    stars = models.IntegerField()


class Order(models.Model):
    """One piece of one product. The address is as the customer wrote it."""

    product = models.ForeignKey(Product, models.PROTECT, related_name="orders")
    email = models.EmailField()
    state = models.CharField(max_length=10)
# goal: find

    class Meta:
        # `iexact` compares in capitals, so that is what has to be in the index.
        indexes = [models.Index(Upper("email"), name="order_email_upper")]
# end
