from django.urls import path

from store import views

urlpatterns = [
    path("health", views.health),
    path("tasks/ping", views.ping),
    path("signup", views.signup),
    path("reports", views.create_report),
    path("reports/<str:report_id>", views.show_report),
    path("imports", views.create_import),
    path("imports/<str:import_id>", views.show_import),
    path("products", views.products),
]
