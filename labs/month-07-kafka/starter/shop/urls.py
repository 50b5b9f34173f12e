from django.urls import path

from store import views

urlpatterns = [
    path("health", views.health),
    path("orders", views.create_order),
    path("batches", views.create_batch),
    path("customers/<str:customer>", views.show_customer),
    path("projections", views.projections),
]
