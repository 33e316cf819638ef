"""All addresses: pages, the API, and what machines ask (healthz, readyz)."""

from django.contrib import admin
from django.urls import include, path

handler404 = "annotate.api.problems.not_found"
handler500 = "annotate.api.problems.server_error"
urlpatterns = [
    # First what is asked most: addresses are tried in this order.
    path("api/", include("annotate.api.urls")),
    path("", include("annotate.pages.urls")),
    path("", include("routing.urls")),
    path("", include("training.urls")),
    path("api/v1/", include("routing.api.decisions")),
    path("api/v1/", include("routing.api.judges")),
    path("api/v1/", include("routing.api.policies")),
    path("api/v1/", include("routing.api.selection")),
    path("api/v1/", include("routing.api.second_looks")),
    path("api/v1/", include("routing.api.simulations")),
    path("api/v1/", include("routing.api.tags")),
    path("api/v1/", include("routing.api.alignment")),
    path("api/v1/", include("routing.api.principles")),
    path("api/v1/", include("training.api.serving")),
    path("api/v1/", include("training.api.runs")),
    path("api/v1/", include("training.api.evaluation")),
    path("api/v1/", include("training.api.preferences")),
    path("admin/", admin.site.urls),
]
