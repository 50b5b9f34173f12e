"""What happens when somebody orders, step by step."""

# goal: coupling
# without
#- import secrets
#- from decimal import ROUND_HALF_UP, Decimal
#-
# end
# goal: observers
# goal: coupling
from . import cart, discounts, events, money, payments, repository, shipping
# without
#- from . import cart, countries, discounts, events, payments, repository, shipping
# end
# without
# goal: coupling
from . import cart, discounts, money, notices, payments, repository, shipping
# without
#- from . import cart, countries, discounts, notices, payments, repository, shipping
# end
# end
from .errors import Declined


def place(data):
    order = cart.read(data)
    # goal: coupling
    # without
    #- order["number"] = secrets.token_hex(5)
    # end
    discounts.apply(order)
    shipping.apply(order, data.get("shipping"))
    order["total"] = order["goods"] + order["shipping"]["cost"]
    # goal: coupling
    order["vat"] = money.vat(order["total"], order["country"])
    # without
    #- rate = countries.vat_rate(order["country"])
    #- vat = Decimal(order["total"] * rate) / (100 + rate)
    #- order["vat"] = int(vat.quantize(Decimal(1), ROUND_HALF_UP))
    # end
    try:
        payments.pay(order, data.get("payment"))
    except Declined as declined:
        # goal: observers
        events.publish("payment.declined", {**order, "reason": declined.reason})
        # without
        #- notices.regret({**order, "reason": declined.reason})
        # end
        raise
    repository.current().save(order)
    # goal: observers
    events.publish("order.placed", order)
    # without
    #- notices.thank(order)
    #- notices.have_packed(order)
    #- notices.book(order)
    # end
    return order
