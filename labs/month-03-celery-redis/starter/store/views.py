import json
import uuid
from pathlib import Path

from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from . import work
from .models import Customer, Import, Product

UPLOADS = Path("/data/uploads")


@require_GET
def health(request):
    return JsonResponse({"ok": True, "customers": Customer.objects.count()})


@require_POST
def ping(request):
    return JsonResponse({"error": "there is no task queue yet"}, status=501)


@require_POST
def signup(request):
    data = json.loads(request.body)
    customer = Customer.objects.create(name=data["name"], email=data["email"])
    work.welcome(customer)
    return JsonResponse({"id": customer.pk}, status=201)


@require_POST
def create_report(request):
    region = json.loads(request.body)["region"]
    return JsonResponse({"report": work.sales_report(region)}, status=201)


@require_GET
def show_report(request, report_id):
    return JsonResponse({"error": "reports are not kept yet"}, status=501)


@require_POST
def create_import(request):
    UPLOADS.mkdir(parents=True, exist_ok=True)
    path = UPLOADS / f"{uuid.uuid4()}.csv"
    path.write_bytes(request.FILES["file"].read())
    record = Import.objects.create(path=str(path))
    for line, row in work.rows(path):
        try:
            work.import_row(row)
            record.imported += 1
        except ValueError as error:
            record.rejected.append({"line": line, "reason": str(error)})
    record.state = "DONE"
    record.save()
    return JsonResponse({"id": record.pk}, status=201)


@require_GET
def show_import(request, import_id):
    record = get_object_or_404(Import, pk=import_id)
    return JsonResponse({"state": record.state, "imported": record.imported, "rejected": record.rejected})


@require_GET
def products(request):
    found = Product.objects.filter(sku__startswith=request.GET.get("prefix", ""))
    return JsonResponse({"count": found.count(), "skus": [product.sku for product in found.order_by("sku")]})
