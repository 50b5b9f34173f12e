from django.urls import path

from notes import views

urlpatterns = [
    path("livez", views.livez),
    path("readyz", views.readyz),
    path("about", views.about),
    path("whoami", views.whoami),
    path("slow", views.slow),
    path("visits", views.visits),
    path("notes", views.notes),
    path("notes/<int:pk>", views.note),
]
