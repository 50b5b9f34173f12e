from django.urls import path

from store import views

urlpatterns = [
    path("health", views.health),
    path("products", views.products),
    path("products/<str:sku>", views.product),
    path("orders", views.orders),
    path("orders/<str:number>", views.order),
]
