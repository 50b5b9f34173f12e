from django.urls import path

from store import views

urlpatterns = [
    path("health", views.health),
    path("", views.home),
    path("products", views.browse),
    path("api/products", views.products),
    path("api/products/<str:sku>", views.product),
    path("api/inventory", views.inventory),
    path("login", views.log_in),
    path("logout", views.log_out),
    path("me", views.me),
]
