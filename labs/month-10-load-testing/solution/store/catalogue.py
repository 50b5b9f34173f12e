"""The list of a category."""

# goal: list
from django.db.models import Avg, Count, Prefetch
# without
#- from django.db.models import Avg
# end

# goal: list
from .models import Product, Tag
# without
#- from .models import Product
# end


def rows(category_id):
    """What the list says about each product of a category, by name."""
    # goal: list
    # Two questions to the database, however many products there are.
    products = (
        Product.objects.filter(category=category_id)
        .select_related("category")
        .prefetch_related(Prefetch("tags", Tag.objects.order_by("name")))
        .annotate(rating=Avg("reviews__stars"), review_count=Count("reviews"))
        .order_by("name")
    )
    # without
    #- products = Product.objects.filter(category=category_id).order_by("name")
    # end
    return [row(product) for product in products]


def row(product):
    return {
        "id": product.pk,
        "name": product.name,
        "category": product.category.name,
        "price": str(product.price),
        "stock": product.stock,
        # goal: list
        "rating": product.rating,
        "reviews": product.review_count,
        "tags": [tag.name for tag in product.tags.all()],
        # without
        #- "rating": product.reviews.aggregate(rating=Avg("stars"))["rating"],
        #- "reviews": product.reviews.count(),
        #- "tags": [tag.name for tag in product.tags.order_by("name")],
        # end
    }
