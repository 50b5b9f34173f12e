from django.urls import path

from catalog import views

urlpatterns = [
    path("", views.index),
    path("health", views.health),
    path("about", views.about),
    path("orders", views.orders),
    path("orders/<int:pk>", views.order),
    path("slow", views.slow),
]
