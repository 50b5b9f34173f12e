import json
import socket
import time

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import JsonResponse
from django.shortcuts import get_object_or_404

from .models import Note


def livez(request):
    """The process runs."""
    return JsonResponse({"alive": True})


def readyz(request):
    """A visitor could be served: the database answers, and so does the cache."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        cache.get("readyz")
    except (DatabaseError, OSError) as error:
        return JsonResponse({"ready": False, "why": str(error)}, status=503)
    return JsonResponse({"ready": True})


def about(request):
    return JsonResponse({"release": settings.RELEASE, "debug": settings.DEBUG, "database": connection.vendor})


def whoami(request):
    return JsonResponse({"hostname": socket.gethostname()})


def slow(request):
    """Takes as long as it is asked to, up to ten seconds."""
    seconds = min(float(request.GET.get("seconds", "1")), 10)
    time.sleep(seconds)
    return JsonResponse({"seconds": seconds})


def visits(request):
    """Counts visitors, in the cache."""
    cache.add("visits", 0, timeout=None)
    return JsonResponse({"visits": cache.incr("visits")})


def notes(request):
    if request.method == "POST":
        note = Note.objects.create(text=json.loads(request.body)["text"])
        return JsonResponse({"id": note.pk, "text": note.text}, status=201)
    return JsonResponse({"notes": list(Note.objects.order_by("-pk").values("id", "text")[:20])})


def note(request, pk):
    note = get_object_or_404(Note, pk=pk)
    return JsonResponse({"id": note.pk, "text": note.text})
