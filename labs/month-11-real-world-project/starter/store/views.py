"""What the shop answers. SPECIFICATION.md says what it should."""

import json

from django.http import JsonResponse
from django.shortcuts import get_object_or_404

from . import tasks
from .models import Order, Product


def health(request):
    return JsonResponse({"ok": True, "orders": Order.objects.count()})


def products(request):
    return JsonResponse({"results": [described(product) for product in Product.objects.all()]})


def product(request, sku):
    if request.method == "PATCH":
        product = get_object_or_404(Product, sku=sku)
        product.price = json.loads(request.body)["price"]
        product.save()
        return JsonResponse(described(product))
    return JsonResponse(looked_up(sku))


def looked_up(sku):
    return described(get_object_or_404(Product.objects.select_related("category"), sku=sku))


def described(product):
    return {
        "sku": product.sku,
        "title": product.title,
        "price": str(product.price),
        "category": product.category.slug,
    }


def orders(request):
    if request.method == "GET":
        found = Order.objects.filter(customer=request.GET["customer"])
        return JsonResponse({"total": found.count(), "paid": found.filter(state="PAID").count()})
    order = place(json.loads(request.body))
    tasks.charge.delay(order.number)
    return JsonResponse({"id": order.number}, status=202)


def place(data):
    product = get_object_or_404(Product, sku=data.get("sku", "tea"))
    quantity = data.get("quantity", 1)
    return Order.objects.create(
        customer=data["customer"],
        region=data["region"],
        express=data.get("express", False),
        sku=product.sku,
        quantity=quantity,
        amount=product.price * quantity,
    )


def order(request, number):
    order = get_object_or_404(Order, number=number)
    return JsonResponse({"id": order.number, "state": order.state, "region": order.region})
