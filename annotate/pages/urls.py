"""The pages. Each module of this package owns its addresses."""

from django.conf import settings
from django.urls import include, path

from annotate.pages import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("annotate.pages.home")),
    path("", include("annotate.pages.languages")),
    path("", include("annotate.pages.account")),
    path("", include("annotate.pages.own_data")),
    path("", include("annotate.pages.work")),
    path("", include("annotate.pages.drafts")),
    path("", include("annotate.pages.chat")),
    path("", include("annotate.pages.projects")),
    path("", include("annotate.pages.builder.preview")),
    path("", include("annotate.pages.form_versions")),
    path("", include("annotate.pages.overview")),
    path("", include("annotate.pages.tasks")),
    path("", include("annotate.pages.quality")),
    path("", include("annotate.pages.behind_figures")),
    path("", include("annotate.pages.review")),
    path("", include("annotate.pages.adjudication")),
    path("", include("annotate.pages.gold")),
    path("", include("annotate.pages.practice")),
    path("", include("annotate.pages.qualification")),
    path("", include("annotate.pages.pay")),
    path("", include("annotate.pages.discussion")),
    path("", include("annotate.pages.norming")),
    path("", include("annotate.pages.people")),
    path("", include("annotate.pages.member")),
    path("", include("annotate.pages.teams")),
    path("", include("annotate.pages.invitations")),
    path("", include("annotate.pages.project_tokens")),
    path("", include("annotate.pages.join")),
    path("", include("annotate.pages.panels")),
    path("", include("annotate.pages.panel_entry")),
    path("", include("annotate.pages.consent")),
    path("", include("annotate.pages.own_work")),
    path("", include("annotate.pages.consent_settings")),
    path("", include("annotate.pages.media")),
    path("", include("annotate.pages.media_sending")),
    path("", include("annotate.pages.chat_models")),
    path("", include("annotate.pages.imports")),
    path("", include("annotate.pages.exports")),
    path("", include("annotate.pages.snapshot_comparison")),
    path("", include("annotate.pages.factors")),
    path("", include("annotate.pages.leaderboard")),
    path("", include("annotate.pages.comparisons")),
    path("", include("annotate.pages.webhooks")),
    path("", include("annotate.pages.signals")),
    path("", include("annotate.pages.audit")),
]
if settings.SIGN_IN is not None:
    urlpatterns.append(path("", include("annotate.pages.sign_in")))
