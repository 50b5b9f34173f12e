"""Ways to ship. Each is a strategy: a function from an order to a price in cents."""

from .countries import EU
from .errors import Refused


def standard(order):
    country = order["country"]
    kilos = -(-order["weight"] // 1000)
    if country == "DE":
        return 0 if order["goods"] >= 5000 else 490
    if country in EU:
        return 990 + max(0, kilos - 2) * 150
    return 1900 + kilos * 400


def express(order):
    if order["weight"] > 10000:
        raise Refused("shipping", "Express carries ten kilos.")
    if order["country"] == "DE":
        return 1290
    if order["country"] in EU:
        return 2490
    raise Refused("shipping", "Express stays in the EU.")


def pickup(order):
    if order["country"] != "DE":
        raise Refused("shipping", "The counter is in Germany.")
    return 0


# goal: shipping
strategies = {"express": express, "pickup": pickup, "standard": standard}


def register(method, price):
    strategies[method] = price


def methods():
    return sorted(strategies)


def cost(order, method):
    if method not in strategies:
        raise Refused("shipping", "There is no such way to ship.")
    return strategies[method](order)
# without
#- def methods():
#-     return ["express", "pickup", "standard"]
#-
#-
#- def cost(order, method):
#-     if method == "standard":
#-         return standard(order)
#-     if method == "express":
#-         return express(order)
#-     if method == "pickup":
#-         return pickup(order)
#-     raise Refused("shipping", "There is no such way to ship.")
# end


def apply(order, wanted):
    method = str(wanted or "standard")
    order["shipping"] = {"method": method, "cost": cost(order, method)}
