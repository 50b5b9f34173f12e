"""Where products, coupons and orders are kept. Nobody else in the shop knows tables."""

from django.db import transaction
from django.db.models import F

from .models import Coupon, Order, OrderLine, Product

PRODUCT = ["sku", "title", "price", "weight", "stock"]
COUPON = ["code", "percent", "left", "until"]
LINE = ["sku", "title", "quantity", "price", "total"]
SAME = ["number", "email", "country", "weight", "subtotal", "coupon", "discounts"]
SAME += ["goods", "vat", "total"]


class DatabaseRepository:
    def product(self, sku):
        return Product.objects.filter(sku=sku).values(*PRODUCT).first()

    def coupon(self, code):
        return Coupon.objects.filter(code=code).values(*COUPON).first()

    def orders_of(self, email):
        return Order.objects.filter(email=email).count()

    @transaction.atomic
    def save(self, order):
        row = Order.objects.create(
            **{field: order[field] for field in SAME},
            shipping_method=order["shipping"]["method"],
            shipping_cost=order["shipping"]["cost"],
            payment_method=order["payment"]["method"],
            payment_reference=order["payment"]["reference"],
        )
        for line in order["lines"]:
            OrderLine.objects.create(order=row, **line)
            product = Product.objects.filter(sku=line["sku"])
            product.update(stock=F("stock") - line["quantity"])
        if order["coupon"]:
            coupon = Coupon.objects.filter(code=order["coupon"])
            coupon.update(left=F("left") - 1)

    def order(self, number):
        row = Order.objects.filter(number=number).first()
        if row is None:
            return None
        return {
            **{field: getattr(row, field) for field in SAME},
            "lines": list(row.lines.order_by("pk").values(*LINE)),
            "shipping": {"method": row.shipping_method, "cost": row.shipping_cost},
            "payment": {
                "method": row.payment_method,
                "reference": row.payment_reference,
            },
        }


# goal: repository
class Shelf:
    """The repository that is in use."""

    repository = DatabaseRepository()


def use(repository):
    Shelf.repository = repository


def current():
    return Shelf.repository
# without
#- def current():
#-     return DatabaseRepository()
# end
