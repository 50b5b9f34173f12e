import hashlib
import json
import time

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render

from .models import Order

PRODUCTS = {"tea": 4, "cup": 9, "pot": 25}


def index(request):
    return render(request, "catalog/index.html", {"products": PRODUCTS.items()})


def health(request):
    """A visitor could be served: the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return JsonResponse({"ok": False, "why": str(error)}, status=503)
    return JsonResponse({"ok": True})


def about(request):
    """What the shop knows of itself, and of who asks."""
    forwarded = request.headers.get("X-Forwarded-For", request.META["REMOTE_ADDR"])
    return JsonResponse(
        {
            "release": settings.RELEASE,
            "debug": settings.DEBUG,
            "database": connection.vendor,
            "server": request.META.get("SERVER_SOFTWARE", ""),
            "host": request.get_host(),
            "secure": request.is_secure(),
            "client": forwarded.split(",")[0].strip(),
            # Which key it signs with, for whoever knows the key already.
            "key": hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()[:12],
        }
    )


def orders(request):
    if request.method != "POST":
        return JsonResponse({"orders": Order.objects.count()})
    wanted = json.loads(request.body)
    if wanted.get("product") not in PRODUCTS:
        return JsonResponse({"error": "there is no such product"}, status=400)
    made = Order.objects.create(product=wanted["product"], email=wanted["email"])
    return JsonResponse({"id": made.pk}, status=201)


def order(request, pk):
    found = get_object_or_404(Order, pk=pk)
    if request.method == "DELETE":
        found.delete()
        return HttpResponse(status=204)
    return JsonResponse({"id": found.pk, "product": found.product, "email": found.email})


def slow(request):
    """Takes as long as it is asked to, up to ten seconds."""
    seconds = min(float(request.GET.get("seconds", "1")), 10)
    time.sleep(seconds)
    return JsonResponse({"seconds": seconds})
