"""The REST API, version 1. Each module of this package owns its addresses."""

from django.urls import include, path

from annotate.api.docs import api_docs
from annotate.api.schema_view import Schema

v1 = [
    path("", include("annotate.api.work")),  # first, for its addresses are asked most
    path("schema/", Schema.as_view(), name="api_schema"),
    path("", include("annotate.api.projects")),
    path("", include("annotate.api.forms")),
    path("", include("annotate.api.members")),
    path("", include("annotate.api.teams")),
    path("", include("annotate.api.invitations")),
    path("", include("annotate.api.panels")),
    path("", include("annotate.api.consent")),
    path("", include("annotate.api.own_data")),
    path("", include("annotate.api.tokens")),
    path("", include("annotate.api.tasks")),
    path("", include("annotate.api.gold")),
    path("", include("annotate.api.practice")),
    path("", include("annotate.api.pay")),
    path("", include("annotate.api.quality")),
    path("", include("annotate.api.behind_figures")),
    path("", include("annotate.api.review")),
    path("", include("annotate.api.discussion")),
    path("", include("annotate.api.norming")),
    path("", include("annotate.api.imports")),
    path("", include("annotate.api.media")),
    path("", include("annotate.api.chat")),
    path("", include("annotate.api.interchange")),
    path("", include("annotate.api.snapshot_comparison")),
    path("", include("annotate.api.boards")),
    path("", include("annotate.api.factors")),
    path("", include("annotate.api.comparisons")),
    path("", include("annotate.api.webhooks")),
    path("", include("annotate.api.signals")),
    path("", include("annotate.api.audit")),
]

urlpatterns = [
    path("v1/", include(v1)),
    path("docs/", api_docs, name="api_docs"),
]
