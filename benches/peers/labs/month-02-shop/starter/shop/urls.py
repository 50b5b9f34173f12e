from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import JsonResponse
from django.urls import path


def health(request):
    cache.set("seen", 1)
    return JsonResponse({"users": User.objects.count()})


urlpatterns = [path("health", health)]
