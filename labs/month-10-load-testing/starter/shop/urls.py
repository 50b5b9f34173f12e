from django.urls import path

from store import views

urlpatterns = [
    path("health", views.health),
    path("products", views.products),
    path("products/<int:product_id>", views.show_product),
    path("delivery", views.delivery),
    path("orders", views.orders),
]
