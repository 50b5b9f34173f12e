"""Prices in other currencies."""

from . import partners


def in_yen(price):
    rate, _ = partners.yen_rate()
    return int(price * rate)
