"""Addresses of the routing pages."""

from django.urls import include, path

urlpatterns = [
    path("", include("routing.pages.overview")),
    path("", include("routing.pages.judges")),
    path("", include("routing.pages.policies")),
    path("", include("routing.pages.selection")),
    path("", include("routing.pages.second_looks")),
    path("", include("routing.pages.simulator")),
    path("", include("routing.pages.tags")),
    path("", include("routing.pages.alignment")),
    path("", include("routing.pages.criteria")),
    path("", include("routing.pages.principles")),
]
