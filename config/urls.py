"""All addresses: pages, the API, and what machines ask (healthz, readyz)."""

from django.contrib import admin
from django.urls import include, path

handler404 = "annotate.api.problems.not_found"
urlpatterns = [
    # First what is asked most: addresses are tried in this order.
    path("api/", include("annotate.api.urls")),
    path("", include("annotate.pages.urls")),
    path("", include("routing.urls")),
    path("", include("training.urls")),
    path("api/v1/", include("routing.api")),
    path("api/v1/", include("routing.judges_api")),
    path("api/v1/", include("routing.policies_api")),
    path("api/v1/", include("routing.selection_api")),
    path("api/v1/", include("routing.second_looks_api")),
    path("api/v1/", include("routing.simulations_api")),
    path("api/v1/", include("routing.tags_api")),
    path("api/v1/", include("routing.alignment_api")),
    path("api/v1/", include("training.serving_api")),
    path("api/v1/", include("training.api")),
    path("api/v1/", include("training.evaluation_api")),
    path("admin/", admin.site.urls),
]
