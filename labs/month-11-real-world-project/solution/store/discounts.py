"""What an order costs: volume discounts and vouchers (§ 6 of the specification)."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
# From so many pieces on, so many percent.
VOLUME = ((50, 10), (10, 5))


def percent_off(quantity):
    return next((percent for pieces, percent in VOLUME if quantity >= pieces), 0)


def amount(price, quantity, voucher, today):
    """What so many pieces at this price cost. A voucher has a `value` and a `last_day`."""
    total = price * quantity * (100 - percent_off(quantity)) / 100
    total = total.quantize(CENT, ROUND_HALF_UP)
    if voucher is not None and today <= voucher.last_day:
        total -= voucher.value
    return max(total, Decimal("0.00"))
