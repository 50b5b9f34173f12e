import json

from django.core.exceptions import ObjectDoesNotExist
from django.http import JsonResponse
from django.views.decorators.http import require_GET, require_POST

from . import planning, prices, tastings
from .models import Tasting


@require_GET
def health(request):
    return JsonResponse({"ok": True, "tastings": Tasting.objects.count()})


@require_GET
def show_prices(request, sku):
    return JsonResponse(prices.page(sku))


@require_POST
def plan_rounds(request):
    return JsonResponse({"rounds": planning.plan(json.loads(request.body)["vans"])})


@require_POST
def book(request, tasting_id):
    data = json.loads(request.body)
    try:
        booking = tastings.book(tasting_id, data["customer"])
    except ObjectDoesNotExist:
        return JsonResponse({"error": "there is no such tasting"}, status=404)
    except tastings.SoldOut:
        return JsonResponse({"error": "sold out"}, status=409)
    return JsonResponse({"booking": booking.pk}, status=201)


@require_POST
def move(request, tasting_id):
    data = json.loads(request.body)
    try:
        booking = tastings.move(tasting_id, data["to"], data["customer"])
    except ObjectDoesNotExist:
        return JsonResponse({"error": "there is nothing to move"}, status=404)
    except tastings.SoldOut:
        return JsonResponse({"error": "sold out"}, status=409)
    return JsonResponse({"booking": booking.pk, "tasting": booking.tasting_id})
