"""What an order costs: volume discounts and vouchers."""

import datetime

VOLUME = {10: 5, 50: 10}


def percent_off(quantity):
    percent = 0
    for pieces, off in VOLUME.items():
        if quantity > pieces:
            percent = off
    return percent


def amount(price, quantity, voucher=None, today=None):
    """What so many pieces at this price cost. A voucher has a `value` and a `last_day`."""
    today = today or datetime.date.today()
    each = round(float(price) * (100 - percent_off(quantity)) / 100, 2)
    total = each * quantity
    if voucher is not None and today < voucher.last_day:
        total = total - float(voucher.value)
    return round(total, 2)
