"""Addresses of the routing pages."""

from django.urls import include, path

urlpatterns = [
    path("", include("routing.pages")),
    path("", include("routing.judges_pages")),
    path("", include("routing.policies_pages")),
    path("", include("routing.selection_pages")),
    path("", include("routing.second_looks_pages")),
    path("", include("routing.simulator_pages")),
    path("", include("routing.tags_pages")),
    path("", include("routing.alignment_pages")),
    path("", include("routing.criteria_pages")),
]
