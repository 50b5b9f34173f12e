from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt

from . import tasks


def health(request):
    return JsonResponse({"ok": True})


@csrf_exempt
def order(request, number):
    if request.method == "POST":
        tasks.pack(number)
        return JsonResponse({"number": number}, status=202)
    return JsonResponse({"packed": tasks.packed.exists(number) == 1})
