from django.urls import path

from store import views

urlpatterns = [
    path("health", views.health),
    path("orders", views.orders),
    path("orders/<str:number>", views.show_order),
    path("batches", views.create_batch),
]
