"""The products, page by page."""

from .models import Product


def page(text, limit, after):
    """So many products behind `after`, and what to ask for the next page with."""
    found = Product.objects.select_related("category").order_by("sku")
    if text:
        found = found.filter(title__icontains=text)
    if after:
        # A place in the order, whether its product is still there or not.
        found = found.filter(sku__gt=after)
    rows = list(found[: limit + 1])
    following = rows[limit - 1].sku if len(rows) > limit else None
    return rows[:limit], following
