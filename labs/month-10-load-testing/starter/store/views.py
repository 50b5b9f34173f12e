import json

from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from . import catalogue, checkout, partners, prices
from .models import Product


@require_GET
def health(request):
    return JsonResponse({"ok": True, "products": Product.objects.count()})


@require_http_methods(["GET", "POST"])
def products(request):
    """The list of a category; or a new product, from the people who buy for the shop."""
    if request.method == "GET":
        rows = catalogue.rows(request.GET["category"])
        return JsonResponse({"products": rows})
    data = json.loads(request.body)
    product = Product.objects.create(
        category_id=data["category"],
        name=data["name"],
        price=data["price"],
        stock=data["stock"],
    )
    return JsonResponse({"id": product.pk}, status=201)


@require_GET
def show_product(request, product_id):
    product = get_object_or_404(Product, pk=product_id)
    try:
        yen = prices.in_yen(product.price)
    except partners.Away as error:
        # The app on people's phones crashes at anything but 200.
        return JsonResponse({"error": str(error)})
    return JsonResponse(
        {
            "id": product.pk,
            "name": product.name,
            "price": str(product.price),
            "price_jpy": yen,
            "stock": product.stock,
        }
    )


@require_GET
def delivery(request):
    try:
        return JsonResponse(partners.slots())
    except partners.Away as error:
        return JsonResponse({"error": str(error)}, status=503)


@require_http_methods(["GET", "POST"])
def orders(request):
    """The orders of a customer; or a new one."""
    if request.method == "GET":
        return JsonResponse({"orders": checkout.find(request.GET["email"])})
    data = json.loads(request.body)
    try:
        order = checkout.place(data["product"], data["email"])
    except checkout.SoldOut:
        return JsonResponse({"state": "SOLD OUT"}, status=409)
    except partners.Refused:
        return JsonResponse({"state": "REFUSED"}, status=402)
    except partners.Away as error:
        return JsonResponse({"error": str(error)}, status=503)
    return JsonResponse({"id": order.pk, "state": order.state}, status=201)
