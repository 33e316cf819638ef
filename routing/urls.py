"""Addresses of the routing pages."""

from django.urls import include, path

urlpatterns = [
    path("", include("routing.pages")),
    path("", include("routing.judges_pages")),
    path("", include("routing.policies_pages")),
]
