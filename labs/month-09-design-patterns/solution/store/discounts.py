"""Discounts: a chain of rules, each of which sees what those before it have left.

A rule is a function. It gets the order, and returns pairs of a label and an amount.
"""

from django.utils import timezone

from . import repository
from .errors import Refused
from .money import share

MOST_PERCENT = 30


def ten_of_a_kind(order):
    return [
        (f"Ten of {line['title']}", line["total"] // 20)
        for line in order["lines"]
        if line["quantity"] >= 10
    ]


def coupon(order):
    code = order["coupon"]
    if code is None:
        return []
    found = repository.current().coupon(code)
    if found is None:
        raise Refused("coupon", "There is no such coupon.")
    if found["until"] and found["until"] < timezone.localdate():
        raise Refused("coupon", "This coupon has expired.")
    if found["left"] < 1:
        raise Refused("coupon", "This coupon is used up.")
    return [(f"Coupon {code}", share(order["goods"], found["percent"], 100))]


def welcome(order):
    if order["goods"] < 5000 or repository.current().orders_of(order["email"]):
        return []
    return [("Welcome", 500)]


# goal: discounts
rules = [ten_of_a_kind, coupon, welcome]


def register(rule):
    rules.append(rule)


def apply(order):
    order["goods"], order["discounts"] = order["subtotal"], []
    for rule in rules:
        for label, amount in rule(order):
            order["discounts"].append({"label": label, "amount": amount})
            order["goods"] -= amount
    cap(order)
# without
#- def apply(order):
#-     order["goods"], order["discounts"] = order["subtotal"], []
#-     take_off(order, ten_of_a_kind(order))
#-     take_off(order, coupon(order))
#-     take_off(order, welcome(order))
#-     cap(order)
#-
#-
#- def take_off(order, discounts):
#-     for label, amount in discounts:
#-         order["discounts"].append({"label": label, "amount": amount})
#-         order["goods"] -= amount
# end


def cap(order):
    """Cuts the discounts down to what is allowed; the last one gives way first."""
    most = order["subtotal"] * MOST_PERCENT // 100
    over = order["subtotal"] - order["goods"] - most
    for discount in reversed(order["discounts"]):
        cut = max(0, min(over, discount["amount"]))
        discount["amount"] -= cut
        order["goods"] += cut
        over -= cut
    kept = [discount for discount in order["discounts"] if discount["amount"] > 0]
    order["discounts"] = kept
