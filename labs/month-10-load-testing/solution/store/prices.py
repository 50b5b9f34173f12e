"""Prices in other currencies."""

# goal: rate
from django.core.cache import cache

# end
from . import partners


def in_yen(price):
    # goal: rate
    rate = cache.get("yen-rate")
    if rate is None:
        rate, age = partners.yen_rate()
        # The exchange keeps to its rate for so long, and no longer.
        cache.set("yen-rate", rate, timeout=age)
    # without
    #- rate, _ = partners.yen_rate()
    # end
    return int(price * rate)
