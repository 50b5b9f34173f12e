from django.urls import include, path

from library import views

urlpatterns = [
    path("health", views.health),
    path("about", views.about),
    path("", include("lending.urls")),
]
