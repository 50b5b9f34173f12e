from django.conf import settings
from django.http import JsonResponse


def health(request):
    return JsonResponse({"ok": True})


def about(request):
    """Which release this is; whoever builds the image says so."""
    return JsonResponse({"release": settings.RELEASE})
