import json

from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from . import tasks
from .models import Order


@require_GET
def health(request):
    return JsonResponse({"ok": True, "orders": Order.objects.count()})


def orders(request):
    if request.method == "GET":
        found = Order.objects.filter(customer=request.GET["customer"])
        return JsonResponse({"total": found.count(), "paid": found.filter(state="PAID").count()})
    data = json.loads(request.body)
    order = Order.objects.create(
        customer=data["customer"], region=data["region"], express=data.get("express", False), sku=data.get("sku", "tea")
    )
    tasks.charge.delay(order.number)
    return JsonResponse({"id": order.number}, status=202)


@require_GET
def show_order(request, number):
    order = get_object_or_404(Order, number=number)
    return JsonResponse({"id": order.number, "state": order.state, "region": order.region})


@require_POST
def create_batch(request):
    """Many orders of one customer at once, for which nothing has to be packed."""
    data = json.loads(request.body)
    made = [Order(customer=data["customer"], region="eu") for _ in range(data["count"])]
    Order.objects.bulk_create(made)
    for order in made:
        tasks.charge.delay(order.number)
    return JsonResponse({"count": len(made)}, status=202)
