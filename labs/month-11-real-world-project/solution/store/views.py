"""What the shop answers. SPECIFICATION.md says what it should."""

# goal: contract
import secrets

from django.conf import settings
from django.db import IntegrityError, transaction
# without
#- import json
#-
# end
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
# goal: review
from django.utils import timezone
# end

# goal: contract
from . import reading
# end
# goal: operable
from . import ready as readiness
# end
# goal: routing
from . import events
# end
# goal: traced
from . import tracing
# end
# goal: cached
from . import cached
# end
# goal: catalogue
from . import catalogue
# end
# goal: review
from . import discounts
# end
from . import tasks
# goal: contract
from .errors import Refused, only
# end
# goal: review
from .models import Order, Product, Voucher
# without
#- from .models import Order, Product
# end


def health(request):
    # goal: operable
    return JsonResponse({"ok": True})
    # without
    #- return JsonResponse({"ok": True, "orders": Order.objects.count()})
    # end
# goal: operable


def ready(request):
    found = readiness.look()
    return JsonResponse(found, status=200 if found["ready"] else 503)
# end


# goal: contract
@only("GET", "HEAD")
# end
def products(request):
    # goal: catalogue
    found, following = catalogue.page(*reading.page(request.GET))
    return JsonResponse({"results": [described(product) for product in found], "next": following})
    # without
    #- return JsonResponse({"results": [described(product) for product in Product.objects.all()]})
    # end


# goal: contract
@only("GET", "HEAD", "PATCH")
# end
def product(request, sku):
    if request.method == "PATCH":
        # goal: contract
        return change_price(request, sku)
        # without
        #- product = get_object_or_404(Product, sku=sku)
        #- product.price = json.loads(request.body)["price"]
        #- product.save()
        #- return JsonResponse(described(product))
        # end
    # goal: cached
    return JsonResponse(cached.product(sku, looked_up))
    # without
    #- return JsonResponse(looked_up(sku))
    # end


def looked_up(sku):
    return described(get_object_or_404(Product.objects.select_related("category"), sku=sku))


def described(product):
    return {
        "sku": product.sku,
        "title": product.title,
        "price": str(product.price),
        "category": product.category.slug,
    }
# goal: contract


def change_price(request, sku):
    given = request.headers.get("Authorization", "").encode()
    if not secrets.compare_digest(given, f"Bearer {settings.ADMIN_TOKEN}".encode()):
        raise Refused(401, "unauthorised", "this is not for everybody", headers={"WWW-Authenticate": "Bearer"})
    price = reading.price(reading.body(request))
    with transaction.atomic():
        product = get_object_or_404(Product.objects.select_for_update(), sku=sku)
        product.price = price
        product.save(update_fields=["price"])
        # goal: cached
        transaction.on_commit(lambda: cached.forget(sku))
        # end
    return JsonResponse(described(product))
# end


# goal: contract
@only("GET", "HEAD", "POST")
# end
def orders(request):
    # goal: contract
    if request.method != "POST":
        found = Order.objects.filter(customer=reading.customer(request.GET))
        return JsonResponse({"total": found.count(), "paid": found.filter(state="PAID").count()})
    order, new = once(reading.key(request), reading.order(reading.body(request)))
    if not new:
        return JsonResponse({"id": order.number, "state": order.state}, status=202)
    # without
    #- if request.method == "GET":
    #-     found = Order.objects.filter(customer=request.GET["customer"])
    #-     return JsonResponse({"total": found.count(), "paid": found.filter(state="PAID").count()})
    #- order = place(json.loads(request.body))
    # end
    # goal: traced
    tasks.charge.delay(order.number, tracing.current.get())
    # without
    #- tasks.charge.delay(order.number)
    # end
    # goal: routing
    events.order_placed(order)
    # end
    # goal: contract
    return JsonResponse({"id": order.number, "state": order.state}, status=202)
    # without
    #- return JsonResponse({"id": order.number}, status=202)
    # end
# goal: contract


def once(key, wanted):
    """The order of this key, and whether it is a new one."""
    if key is None:
        return place(wanted), True
    known = Order.objects.filter(key=key).first()
    if known is None:
        try:
            with transaction.atomic():
                return place(wanted, key=key, asked=wanted), True
        except IntegrityError:
            # The same request was faster by a moment.
            known = Order.objects.get(key=key)
    if known.asked != wanted:
        raise Refused(409, "conflict", "this Idempotency-Key belongs to another order")
    return known, False
# end


# goal: contract
def place(data, **more):
# without
#- def place(data):
# end
    product = get_object_or_404(Product, sku=data.get("sku", "tea"))
    quantity = data.get("quantity", 1)
    return Order.objects.create(
        customer=data["customer"],
        region=data["region"],
        express=data.get("express", False),
        sku=product.sku,
        quantity=quantity,
        # goal: review
        amount=discounts.amount(product.price, quantity, voucher_of(data), timezone.now().date()),
        # without
        #- amount=product.price * quantity,
        # end
        # goal: contract
        **more,
        # end
    )
# goal: review


def voucher_of(data):
    """Exactly the voucher that is named. Who names none has none."""
    return Voucher.objects.filter(code=data["voucher"]).first() if data.get("voucher") else None
# end


# goal: contract
@only("GET", "HEAD")
# end
def order(request, number):
    order = get_object_or_404(Order, number=number)
    # goal: contract
    shown = {name: getattr(order, name) for name in ("state", "customer", "region", "sku", "quantity", "express")}
    return JsonResponse({"id": order.number, **shown, "amount": str(order.amount)})
    # without
    #- return JsonResponse({"id": order.number, "state": order.state, "region": order.region})
    # end
