import time

from django.http import JsonResponse
from django.urls import include, path

from .models import Order


def orders(request):
    print("a view may print")
    return JsonResponse({"orders": [Order.objects.count() for _ in range(3)]})


def slow(request):
    time.sleep(0.2)
    return JsonResponse({"ok": True})


urlpatterns = [
    path("orders/", orders, name="orders"),
    path("api/", include([path("slow", slow, name="slow")])),
]
