import json

from django.http import JsonResponse
# goal: taken-apart
from django.views.decorators.http import require_GET, require_POST

from . import ordering, payments, repository, shipping
from .errors import Declined, Refused, Unavailable
# without
#- from django.shortcuts import get_object_or_404
#- from django.views.decorators.http import require_GET, require_POST
#-
#- from .checkout import checkout
#- from .errors import Declined, Refused, Unavailable
#- from .models import Coupon, Order, Product
# end


@require_GET
def health(request):
    return JsonResponse({"ok": True})


@require_GET
def product(request, sku):
    # goal: taken-apart
    return shown(repository.current().product(sku))
    # without
    #- found = get_object_or_404(Product, sku=sku)
    #- return JsonResponse(
    #-     {
    #-         "sku": found.sku,
    #-         "title": found.title,
    #-         "price": found.price,
    #-         "weight": found.weight,
    #-         "stock": found.stock,
    #-     }
    #- )
    # end


@require_GET
def coupon(request, code):
    # goal: taken-apart
    return shown(repository.current().coupon(code.upper()))
    # without
    #- found = get_object_or_404(Coupon, code=code.upper())
    #- return JsonResponse(
    #-     {
    #-         "code": found.code,
    #-         "percent": found.percent,
    #-         "left": found.left,
    #-         "until": found.until,
    #-     }
    #- )
    # end


@require_GET
def payment_methods(request):
    # goal: taken-apart
    return JsonResponse({"methods": payments.methods()})
    # without
    #- return JsonResponse({"methods": ["card", "invoice", "wallet"]})
    # end


@require_GET
def shipping_methods(request):
    # goal: taken-apart
    return JsonResponse({"methods": shipping.methods()})
    # without
    #- return JsonResponse({"methods": ["express", "pickup", "standard"]})
    # end


@require_POST
def place(request):
    try:
        # goal: taken-apart
        order = ordering.place(json.loads(request.body))
        # without
        #- order = checkout(json.loads(request.body))
        # end
    except json.JSONDecodeError:
        body = {"error": "order", "detail": "An order is a JSON object."}
        return JsonResponse(body, status=400)
    except Refused as error:
        body = {"error": error.code, "detail": error.detail}
        return JsonResponse(body, status=400)
    except Declined as error:
        return JsonResponse({"error": "declined", "detail": error.reason}, status=402)
    except Unavailable as error:
        return JsonResponse({"error": "unavailable", "detail": str(error)}, status=502)
    return JsonResponse(order, status=201)


@require_GET
def order(request, number):
    # goal: taken-apart
    return shown(repository.current().order(number))


def shown(found):
    if found is None:
        return JsonResponse({"error": "there is no such thing"}, status=404)
    return JsonResponse(found)
    # without
    #- found = get_object_or_404(Order, number=number)
    #- lines = found.lines.order_by("pk")
    #- return JsonResponse(
    #-     {
    #-         "number": found.number,
    #-         "email": found.email,
    #-         "country": found.country,
    #-         "lines": list(lines.values("sku", "title", "quantity", "price", "total")),
    #-         "weight": found.weight,
    #-         "subtotal": found.subtotal,
    #-         "coupon": found.coupon,
    #-         "discounts": found.discounts,
    #-         "goods": found.goods,
    #-         "shipping": {
    #-             "method": found.shipping_method,
    #-             "cost": found.shipping_cost,
    #-         },
    #-         "vat": found.vat,
    #-         "total": found.total,
    #-         "payment": {
    #-             "method": found.payment_method,
    #-             "reference": found.payment_reference,
    #-         },
    #-     }
    #- )
    # end
