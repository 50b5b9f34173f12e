"""What the suppliers want for a product."""

from .exchange import SUPPLIERS, exchange


def page(sku):
    """Quotes in the order of the suppliers, and who is missing."""
    session = exchange()
    prices = {one: session.price(one, sku) for one in SUPPLIERS}
    return {
        "sku": sku,
        "quotes": [{"supplier": one, "price": prices[one]} for one in prices],
        "missing": [one for one in SUPPLIERS if one not in prices],
    }
