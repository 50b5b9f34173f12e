import json
from decimal import Decimal

from django.contrib.auth import get_user_model, login, logout
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)

from . import catalogue, prices
from .models import Category


@require_GET
def health(request):
    return JsonResponse({"ok": True, "categories": Category.objects.count()})


@require_GET
def home(request):
    """The same for everybody, but for the greeting."""
    context = {
        "visitor": request.user.get_username(),
        "bestsellers": catalogue.bestsellers(),
    }
    return render(request, "store/home.html", context)


@require_GET
def browse(request):
    """A category as a page: its fifty newest products, and beside them all shelves."""
    category = get_object_or_404(Category, slug=request.GET.get("category"))
    context = {
        "category": category,
        "products": catalogue.newest(category)[:50],
        "shelves": catalogue.shelves(),
    }
    return render(request, "store/products.html", context)


@require_GET
def products(request):
    category = get_object_or_404(Category, slug=request.GET.get("category"))
    return JsonResponse({"results": catalogue.newest(category), "next": None})


@require_http_methods(["GET", "PATCH"])
def product(request, sku):
    if request.method == "PATCH":
        price = Decimal(json.loads(request.body)["price"])
        prices.change(sku, price)
        return JsonResponse({"sku": sku, "price": str(price)})
    return JsonResponse(catalogue.describe(sku))


@require_GET
def inventory(request):
    return JsonResponse({"categories": catalogue.inventory()})


@require_POST
def log_in(request):
    """Friends of the shop are known by name; there are no passwords in this lab."""
    name = json.loads(request.body)["name"]
    user, _ = get_user_model().objects.get_or_create(username=name)
    login(request, user)
    return JsonResponse({"name": name})


@require_POST
def log_out(request):
    logout(request)
    return JsonResponse({"name": None})


@require_GET
def me(request):
    if not request.user.is_authenticated:
        return JsonResponse({"error": "nobody is logged in"}, status=401)
    return JsonResponse({"name": request.user.get_username()})
