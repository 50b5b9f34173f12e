"""What the shop asks its database."""

from decimal import Decimal

from django.db import models
from django.shortcuts import get_object_or_404

from . import work
from .models import Category, Product
# goal: pagination

PAGE = 50
# end


# goal: pagination
def newest(category, after=None):
    """A page of a category's products, newest first, and the `after` of the next page.

    A page begins behind a product, and not behind a number of products: what was added
    meanwhile moves nothing.
    """
# without
#- def newest(category):
#-     """Products of a category, newest first."""
# end
    found = Product.objects.filter(category=category).order_by("-created", "-id")
    # goal: n-plus-one
    found = found.select_related("category").prefetch_related("reviews")
    # end
    # goal: pagination
    if after:
        last = get_object_or_404(Product, sku=after)
        # The first condition is a place in the index, the second one sorts out twins.
        found = found.filter(created__lte=last.created)
        found = found.exclude(created=last.created, id__gte=last.id)
    page = list(found[: PAGE + 1])
    following = page[PAGE - 1].sku if len(page) > PAGE else None
    return [line(product) for product in page[:PAGE]], following
    # without
    #- return [line(product) for product in found]
    # end


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
    # goal: n-plus-one
    # Reckoned here: whoever has fetched the reviews beforehand is not to ask again.
    ratings = [review.rating for review in product.reviews.all()]
    rating = sum(ratings) / len(ratings) if ratings else None
    # without
    #- found = product.reviews.aggregate(
    #-     rating=models.Avg("rating"), reviews=models.Count("id")
    #- )
    #- rating = found["rating"]
    # end
    return {
        "rating": None if rating is None else round(rating, 1),
        # goal: n-plus-one
        "reviews": len(ratings),
        # without
        #- "reviews": found["reviews"],
        # end
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
    # goal: faster
    worth = models.F("products__price") * models.F("products__stock")
    categories = Category.objects.annotate(
        count=models.Count("products"), value=models.Sum(worth, default=Decimal(0))
    )
    return [
        {
            "category": category.slug,
            "products": category.count,
            "value": f"{category.value:.2f}",
        }
        for category in categories.order_by("slug")
    ]
    # without
    #- answer = []
    #- for category in Category.objects.order_by("slug"):
    #-     products = Product.objects.filter(category=category)
    #-     value = sum((each.price * each.stock for each in products), Decimal(0))
    #-     answer.append(
    #-         {
    #-             "category": category.slug,
    #-             "products": len(products),
    #-             "value": f"{value:.2f}",
    #-         }
    #-     )
    #- return answer
    # end
