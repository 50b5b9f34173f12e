"""Reads what a visitor sends, and makes an order of it that has no price yet."""

import re
# goal: coupling
import secrets
# end

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from . import repository
from .errors import Refused


def read(data):
    if not isinstance(data, dict):
        raise Refused("order", "An order is a JSON object.")
    order = {"email": read_email(data), "country": read_country(data)}
    items = [read_line(line) for line in read_list(data)]
    lines = [line for line, _ in items]
    return {
        **order,
        # goal: coupling
        "number": secrets.token_hex(5),
        # end
        "lines": lines,
        "weight": sum(weight for _, weight in items),
        "subtotal": sum(line["total"] for line in lines),
        "coupon": str(data["coupon"]).upper() if data.get("coupon") else None,
    }


def read_email(data):
    email = str(data.get("email") or "").strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Refused("email", "This is no e-mail address.") from None
    return email


def read_country(data):
    country = str(data.get("country") or "DE").upper()
    if not re.fullmatch("[A-Z]{2}", country):
        raise Refused("country", "A country has two letters.")
    return country


def read_list(data):
    lines = data.get("lines")
    if not isinstance(lines, list) or not lines:
        raise Refused("lines", "There is nothing in the basket.")
    return lines


def read_line(line):
    """A line of the order, and what it weighs."""
    sku = line.get("sku") if isinstance(line, dict) else None
    product = repository.current().product(sku)
    if product is None:
        raise Refused("sku", f"There is no {sku}.")
    quantity = read_quantity(line, product)
    found = {
        "sku": product["sku"],
        "title": product["title"],
        "quantity": quantity,
        "price": product["price"],
        "total": product["price"] * quantity,
    }
    return found, product["weight"] * quantity


def read_quantity(line, product):
    quantity = line.get("quantity")
    if type(quantity) is not int or not 1 <= quantity <= 99:
        raise Refused("quantity", "Between 1 and 99 of each, please.")
    if product["stock"] == 0:
        raise Refused("stock", f"{product['title']} is sold out.")
    if quantity > product["stock"]:
        raise Refused("stock", f"There are {product['stock']} of {product['title']}.")
    return quantity
