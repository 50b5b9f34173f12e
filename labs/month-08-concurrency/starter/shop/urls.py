from django.urls import path

from store import views

urlpatterns = [
    path("health", views.health),
    path("prices/<str:sku>", views.show_prices),
    path("rounds", views.plan_rounds),
    path("tastings/<int:tasting_id>/bookings", views.book),
    path("tastings/<int:tasting_id>/moves", views.move),
]
