"""What the shop asks its database."""

from decimal import Decimal

from django.db import models
from django.shortcuts import get_object_or_404

from . import work
from .models import Category, Product


def newest(category):
    """Products of a category, newest first."""
    found = Product.objects.filter(category=category).order_by("-created", "-id")
    return [line(product) for product in found]


def line(product):
    """What a list says about a product."""
    return {
        "sku": product.sku,
        "title": product.title,
        "price": str(product.price),
        "category": product.category.name,
        **rated(product),
    }


def rated(product):
    """What customers think of it."""
    found = product.reviews.aggregate(
        rating=models.Avg("rating"), reviews=models.Count("id")
    )
    rating = found["rating"]
    return {
        "rating": None if rating is None else round(rating, 1),
        "reviews": found["reviews"],
    }


def describe(sku):
    """What the page of a product says. The depot is asked for the days."""
    product = get_object_or_404(Product.objects.select_related("category"), sku=sku)
    return {
        **line(product),
        "description": product.description,
        "stock": product.stock,
        "days": work.delivery_days(sku),
    }


def shelves():
    """Every category, with how many products are in it. The list beside each list."""
    return Category.objects.annotate(count=models.Count("products")).order_by("name")


def bestsellers():
    """What was sold most: every sale there ever was is added up."""
    sold = Product.objects.annotate(sold=models.Sum("sales__quantity"))
    return sold.filter(sold__gt=0).order_by("-sold", "id")[:10]


def inventory():
    """What lies in the shop, and what it is worth. The accountants compare it."""
    answer = []
    for category in Category.objects.order_by("slug"):
        products = Product.objects.filter(category=category)
        value = sum((each.price * each.stock for each in products), Decimal(0))
        answer.append(
            {
                "category": category.slug,
                "products": len(products),
                "value": f"{value:.2f}",
            }
        )
    return answer
