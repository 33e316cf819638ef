"""Addresses of the training pages; each module owns its own."""

from django.urls import include, path

urlpatterns = [
    path("", include("training.pages.runs")),
    path("", include("training.pages.models")),
    path("", include("training.pages.comparison")),
    path("", include("training.pages.schedules")),
    path("", include("training.pages.loops")),
    path("", include("training.pages.evaluations")),
    path("", include("training.pages.preferences")),
]
