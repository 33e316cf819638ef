"""The pages. Each module of this package owns its addresses."""

from django.urls import path

from annotate.pages import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
