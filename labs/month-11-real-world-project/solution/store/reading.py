"""Bodies, parameters and headers, looked at before anything is done with them."""

import json
import re
from decimal import Decimal

from .errors import Refused, invalid
# goal: review
from .models import Product, Voucher
# without
#- from .models import Product
# end

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PRICE = re.compile(r"[0-9]{1,5}(\.[0-9]{1,2})?")
REGIONS = ("eu", "us", "asia")


def body(request):
    try:
        data = json.loads(request.body)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise Refused(400, "bad_json", "the body has to be a JSON object")
    return data


def customer(parameters):
    if not parameters.get("customer"):
        raise invalid({"customer": "say whose orders"})
    return parameters["customer"]


def order(data):
    """What is ordered, with everything filled in; refused with all that is wrong."""
    wanted = {
        "customer": data.get("customer"),
        "region": data.get("region"),
        "sku": data.get("sku", "tea"),
        "quantity": data.get("quantity", 1),
        "express": data.get("express", False),
        # goal: review
        "voucher": data.get("voucher"),
        # end
    }
    wrong = {}
    if not (is_text(wanted["customer"], 200) and ADDRESS.fullmatch(wanted["customer"])):
        wrong["customer"] = "has to be an e-mail address"
    if wanted["region"] not in REGIONS:
        wrong["region"] = f"has to be one of {', '.join(REGIONS)}"
    if not (is_text(wanted["sku"], 60) and Product.objects.filter(sku=wanted["sku"]).exists()):
        wrong["sku"] = "there is no such product"
    # True is an int to Python, and no quantity to anybody.
    if type(wanted["quantity"]) is not int or not 1 <= wanted["quantity"] <= 100:
        wrong["quantity"] = "has to be a whole number from 1 to 100"
    if type(wanted["express"]) is not bool:
        wrong["express"] = "has to be true or false"
    # goal: review
    code = wanted["voucher"]
    if code is not None and not (is_text(code, 40) and Voucher.objects.filter(code=code).exists()):
        wrong["voucher"] = "there is no such voucher"
    # end
    if wrong:
        raise invalid(wrong)
    return wanted


def key(request):
    """The request's Idempotency-Key, if it bears one."""
    given = request.headers.get("Idempotency-Key") or None
    if given and len(given) > 100:
        raise invalid({"Idempotency-Key": "has to be shorter"})
    return given


def price(data):
    given = data.get("price")
    if not (isinstance(given, str) and PRICE.fullmatch(given) and Decimal(given) > 0):
        raise invalid({"price": "has to be a text such as 12.50, above zero"})
    return Decimal(given).quantize(Decimal("0.01"))
# goal: catalogue


def page(parameters):
    """Which page of the products: `q`, `limit` and `after`."""
    limit = parameters.get("limit", "20")
    if not (re.fullmatch("[0-9]{1,3}", limit) and 1 <= int(limit) <= 100):
        raise invalid({"limit": "has to be a whole number from 1 to 100"})
    return parameters.get("q", ""), int(limit), parameters.get("after", "")
# end


def is_text(value, longest):
    return isinstance(value, str) and 0 < len(value) <= longest and "\0" not in value
