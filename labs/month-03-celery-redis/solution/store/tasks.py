from celery import shared_task

from . import work
from .models import Customer, Import


@shared_task
def ping():
    return "pong"
# goal: async-email


# goal: retries
@shared_task(autoretry_for=(OSError,), retry_backoff=1, retry_jitter=False, max_retries=5)
# without
#- @shared_task
# end
def send_welcome(customer_id):
    customer = Customer.objects.get(pk=customer_id)
    if customer.welcomed:
        return
    work.welcome(customer)
    customer.welcomed = True
    customer.save(update_fields=["welcomed"])
# end
# goal: report


@shared_task
def build_report(region):
    return work.sales_report(region)
# end
# goal: import


@shared_task
def import_prices(import_id):
    record = Import.objects.get(pk=import_id)
    for line, row in work.rows(record.path):
        try:
            work.import_row(row)
            record.imported += 1
        except ValueError as error:
            record.rejected.append({"line": line, "reason": str(error)})
    record.state = "DONE"
    record.save()
# end
