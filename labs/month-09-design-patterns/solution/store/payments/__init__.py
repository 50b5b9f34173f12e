"""Ways to pay. A provider has `pay(order, details)`, which returns a reference."""

from ..errors import Refused
from .card import Card
from .invoice import Invoice
from .wallet import Wallet

# goal: provider
factories = {"card": Card, "invoice": Invoice, "wallet": Wallet}


def register(method, factory):
    factories[method] = factory


def methods():
    return sorted(factories)


def provider(method):
    """Makes the provider now, when somebody has chosen it."""
    if method not in factories:
        raise Refused("payment", "There is no such way to pay.")
    return factories[method]()
# without
#-
#- def methods():
#-     return ["card", "invoice", "wallet"]
#-
#-
#- def provider(method):
#-     if method == "card":
#-         return Card()
#-     if method == "invoice":
#-         return Invoice()
#-     if method == "wallet":
#-         return Wallet()
#-     raise Refused("payment", "There is no such way to pay.")
# end


def pay(order, details):
    details = details if isinstance(details, dict) else {}
    method = str(details.get("method"))
    reference = provider(method).pay(order, details)
    order["payment"] = {"method": method, "reference": reference}
