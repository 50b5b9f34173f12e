import json
import uuid
from pathlib import Path

# goal: report
from celery.result import AsyncResult
# end
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

# goal: wired
from . import tasks, work
# without
#- from . import work
# end
from .models import Customer, Import, Product

UPLOADS = Path("/data/uploads")


@require_GET
def health(request):
    return JsonResponse({"ok": True, "customers": Customer.objects.count()})


@require_POST
def ping(request):
    # goal: wired
    return JsonResponse({"task": tasks.ping.delay().id}, status=202)
    # without
    #- return JsonResponse({"error": "there is no task queue yet"}, status=501)
    # end


@require_POST
def signup(request):
    data = json.loads(request.body)
    customer = Customer.objects.create(name=data["name"], email=data["email"])
    # goal: async-email
    tasks.send_welcome.delay(customer.pk)
    return JsonResponse({"id": customer.pk}, status=202)
    # without
    #- work.welcome(customer)
    #- return JsonResponse({"id": customer.pk}, status=201)
    # end


@require_POST
def create_report(request):
    region = json.loads(request.body)["region"]
    # goal: report
    result = tasks.build_report.delay(region)
    # goal: no-waiting
    # without
    #- result.get(propagate=False, timeout=15)
    # end
    return JsonResponse({"id": result.id}, status=202)
    # without
    #- return JsonResponse({"report": work.sales_report(region)}, status=201)
    # end


@require_GET
def show_report(request, report_id):
    # goal: report
    result = AsyncResult(report_id)
    answer = {"state": result.state}
    if result.successful():
        answer["report"] = result.result
    elif result.failed():
        answer["error"] = str(result.result)
    return JsonResponse(answer)
    # without
    #- return JsonResponse({"error": "reports are not kept yet"}, status=501)
    # end


@require_POST
def create_import(request):
    UPLOADS.mkdir(parents=True, exist_ok=True)
    path = UPLOADS / f"{uuid.uuid4()}.csv"
    path.write_bytes(request.FILES["file"].read())
    record = Import.objects.create(path=str(path))
    # goal: import
    tasks.import_prices.delay(record.pk)
    return JsonResponse({"id": record.pk}, status=202)
    # without
    #- for line, row in work.rows(path):
    #-     try:
    #-         work.import_row(row)
    #-         record.imported += 1
    #-     except ValueError as error:
    #-         record.rejected.append({"line": line, "reason": str(error)})
    #- record.state = "DONE"
    #- record.save()
    #- return JsonResponse({"id": record.pk}, status=201)
    # end


@require_GET
def show_import(request, import_id):
    record = get_object_or_404(Import, pk=import_id)
    return JsonResponse({"state": record.state, "imported": record.imported, "rejected": record.rejected})


@require_GET
def products(request):
    found = Product.objects.filter(sku__startswith=request.GET.get("prefix", ""))
    return JsonResponse({"count": found.count(), "skus": [product.sku for product in found.order_by("sku")]})
