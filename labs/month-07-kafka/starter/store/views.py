import json

from django.http import JsonResponse
from django.views.decorators.http import require_GET, require_POST

from . import orders
from .models import Balance, Order, Projected


@require_GET
def health(request):
    return JsonResponse({"ok": True, "orders": Order.objects.count()})


@require_POST
def create_order(request):
    data = json.loads(request.body)
    order = orders.place(data["customer"], data["amount"])
    return JsonResponse({"id": str(order.id), "number": order.number}, status=202)


@require_POST
def create_batch(request):
    """`rounds` orders for each of `customers` customers, in turn."""
    data = json.loads(request.body)
    for round in range(data["rounds"]):
        for customer in range(data["customers"]):
            orders.place(f"{data['prefix']}-{customer}", 1)
    return JsonResponse({"orders": data["rounds"] * data["customers"]}, status=202)


@require_GET
def show_customer(request, customer):
    """From the read model alone."""
    balance = Balance.objects.filter(customer=customer).first() or Balance(customer=customer)
    return JsonResponse({"customer": customer, "orders": balance.orders, "total": balance.total})


@require_GET
def projections(request):
    """What the diary says about the customers whose names begin with `prefix`."""
    found = Projected.objects.filter(customer__startswith=request.GET["prefix"])
    last, disorder = {}, 0
    for event in found.order_by("id"):
        disorder += event.number < last.get(event.customer, 0)
        last[event.customer] = event.number
    return JsonResponse({
        "events": found.count(),
        "distinct": found.values("event_id").distinct().count(),
        "workers": found.values("worker").distinct().count(),
        "disorder": disorder,
    })
