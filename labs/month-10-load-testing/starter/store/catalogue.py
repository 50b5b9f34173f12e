"""The list of a category."""

from django.db.models import Avg

from .models import Product


def rows(category_id):
    """What the list says about each product of a category, by name."""
    products = Product.objects.filter(category=category_id).order_by("name")
    return [row(product) for product in products]


def row(product):
    return {
        "id": product.pk,
        "name": product.name,
        "category": product.category.name,
        "price": str(product.price),
        "stock": product.stock,
        "rating": product.reviews.aggregate(rating=Avg("stars"))["rating"],
        "reviews": product.reviews.count(),
        "tags": [tag.name for tag in product.tags.order_by("name")],
    }
