from django.urls import path

from store import views

urlpatterns = [
    path("health", views.health),
    # goal: operable
    path("ready", views.ready),
    # end
    path("products", views.products),
    path("products/<str:sku>", views.product),
    path("orders", views.orders),
    path("orders/<str:number>", views.order),
]
# goal: contract

handler404 = "store.errors.nowhere"
handler500 = "store.errors.broken"
# end
