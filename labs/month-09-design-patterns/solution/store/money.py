"""Sums with money. Everything is in cents, and halves go up."""

from decimal import ROUND_HALF_UP, Decimal
# goal: coupling

from .countries import vat_rate


def vat(total, country):
    """The tax that is in a price."""
    rate = vat_rate(country)
    return share(total, rate, 100 + rate)
# end


def share(amount, part, whole):
    exact = Decimal(amount * part) / whole
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))
