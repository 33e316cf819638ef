"""The pages. Each module of this package owns its addresses."""

from django.urls import include, path

from annotate.pages import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("annotate.pages.home")),
    path("", include("annotate.pages.account")),
]
