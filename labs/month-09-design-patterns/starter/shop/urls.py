from django.urls import path

from store import views

urlpatterns = [
    path("health", views.health),
    path("products/<str:sku>", views.product),
    path("coupons/<str:code>", views.coupon),
    path("payment-methods", views.payment_methods),
    path("shipping-methods", views.shipping_methods),
    path("checkout", views.place),
    path("orders/<str:number>", views.order),
]
