"""Webhooks of a project: whom it tells what, and how each delivery went."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from annotate.access import MANAGE, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import Delivery, EventType, Webhook
from annotate.models.webhook import SUBSCRIBED
from annotate.pages.paging import number_in, page_links
from annotate.pages.reasons import in_words
from annotate.services.people.rates import TooManyTries
from annotate.services.webhooks import deliveries, receivers
from annotate.wording import Told

PAGE_SIZE = 50
SECRET = "webhook_secret"  # of the session, until the page has shown it


class WebhookForm(forms.Form):
    """What is allowed is decided by the service; its InvalidValue is put at the field."""

    url = forms.CharField(
        max_length=500,
        label=_("Address"),
        help_text=_("Such as https://example.com/tandem. Each event is posted there as JSON."),
    )
    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=[(value, EventType(value).label) for value in SUBSCRIBED],
        widget=forms.CheckboxSelectMultiple,
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: HttpRequest, project_id: int) -> HttpResponse:
    """GET: the list. POST: one more."""
    project = get_project(request.user, project_id, MANAGE)
    form = WebhookForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                webhook, secret = receivers.create_webhook(
                    project=project, actor=request.user, address=_from(request), **form.cleaned_data
                )
            except InvalidValue as error:
                _refuse(form, error)
            else:
                _keep_secret(request, webhook, secret)
                return redirect("webhook", webhook.pk)
    context = {
        "project": project,
        "tab": "settings",
        "form": form,
        "rows": [_row(one) for one in project.webhooks.order_by("pk")],
    }
    return render(request, "annotate/projects/webhooks.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """GET: one webhook with its deliveries. POST: another address or other events."""
    found = _get(request, webhook_id)
    form = WebhookForm(
        request.POST if request.method == "POST" else None,
        initial={"url": found.url, "events": found.events},
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                receivers.change_webhook(
                    webhook=found, actor=request.user, address=_from(request), **form.cleaned_data
                )
            except InvalidValue as error:
                _refuse(form, error)
            else:
                messages.success(request, gettext("The webhook is changed."))
                return redirect("webhook", found.pk)
    return _page(request, found, form, status)


def _page(
    request: HttpRequest, found: Webhook, form: WebhookForm, status: int = 200
) -> HttpResponse:
    """Two queries besides those of every page."""
    state = request.GET.get("state", "")
    rows = found.deliveries.select_related("event").order_by("-pk")
    if state in Delivery.State.values:
        rows = rows.filter(state=state)
    else:
        state = ""
    before = number_in(request, "before")
    shown = list((rows.filter(pk__lt=before) if before else rows)[: PAGE_SIZE + 1])
    after = shown[PAGE_SIZE - 1].pk if len(shown) > PAGE_SIZE else None
    kept = request.session.get(SECRET, {})
    secret = kept.get("secret", "") if kept.get("webhook") == found.pk else ""
    if secret:
        del request.session[SECRET]
    context = {
        "project": found.project,
        "tab": "settings",
        "row": _row(found),
        "form": form,
        "secret": secret,
        "state": state,
        "states": [("", _("All")), *Delivery.State.choices],
        "dead": found.deliveries.filter(state=Delivery.State.DEAD)
        .exclude(event__type=EventType.TEST)
        .count(),
        "deliveries": [{"one": one, "why": _why(one.told)} for one in shown[:PAGE_SIZE]],
        **page_links(request, after, {"state": state} if state else {}),
    }
    response = render(request, "annotate/projects/webhook.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def switch_webhook(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """On or off: what waits for one that is off waits until it is on."""
    found = _get(request, webhook_id)
    on = request.POST.get("on") == "1"
    receivers.change_webhook(webhook=found, actor=request.user, address=_from(request), is_on=on)
    said = gettext("The webhook is on; what waited goes out now.")
    messages.success(request, said if on else gettext("The webhook is off."))
    return redirect("webhook", found.pk)


@login_required
@require_POST
def test_webhook(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Send a test event and tell what came of it, or that it was sent too often."""
    found = _get(request, webhook_id)
    try:
        delivery = deliveries.send_test(webhook=found)
    except TooManyTries as refused:
        said = in_words(refused)
        messages.error(request, said[:1].upper() + said[1:] + ".")
        return redirect("webhook", found.pk)
    if delivery.state == Delivery.State.TAKEN:
        milliseconds = round(1000 * delivery.seconds)
        said = gettext("It was taken: status %(status)s after %(milliseconds)s ms.")
        messages.success(request, said % {"status": delivery.status, "milliseconds": milliseconds})
    else:
        said = gettext("It was not taken: %(why)s.")
        messages.error(request, said % {"why": _why(delivery.told)})
    return redirect("webhook", found.pk)


@login_required
@require_POST
def rotate_secret(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Another secret; for a day both sign."""
    found = _get(request, webhook_id)
    found, secret = receivers.rotate_secret(
        webhook=found, actor=request.user, address=_from(request)
    )
    _keep_secret(request, found, secret)
    return redirect("webhook", found.pk)


@login_required
@require_POST
def end_old_secret(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Only the new secret signs from now on."""
    found = _get(request, webhook_id)
    receivers.end_old_secret(webhook=found, actor=request.user, address=_from(request))
    messages.success(request, gettext("Only the new secret signs from now on."))
    return redirect("webhook", found.pk)


@login_required
@require_POST
def delete_webhook(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """With its deliveries."""
    found = _get(request, webhook_id)
    receivers.delete_webhook(webhook=found, actor=request.user, address=_from(request))
    messages.success(request, gettext("The webhook and its deliveries are deleted."))
    return redirect("webhooks", found.project_id)


@login_required
@require_POST
def replay_deliveries(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """One delivery again, or all that were given up."""
    found = _get(request, webhook_id)
    text = request.POST.get("delivery", "")
    one = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
    if text and one is None:
        messages.error(request, gettext("There is no such delivery."))
        return redirect("webhook", found.pk)
    count = deliveries.replay(
        webhook=found, actor=request.user, delivery_id=one, address=_from(request)
    )
    said = ngettext(
        "%(count)s delivery is on its way again.",
        "%(count)s deliveries are on their way again.",
        count,
    )
    messages.success(request, said % {"count": count})
    return redirect("webhook", found.pk)


def _get(request: HttpRequest, webhook_id: int) -> Webhook:
    rows = Webhook.objects.select_related("project")
    return get_in_project(request.user, rows, webhook_id, MANAGE)


def _from(request: HttpRequest) -> str:
    return request.META["REMOTE_ADDR"]


def _keep_secret(request: HttpRequest, webhook: Webhook, secret: str) -> None:
    request.session[SECRET] = {"webhook": webhook.pk, "secret": secret}


def _row(webhook: Webhook) -> dict[str, object]:
    labels = [EventType(value).label for value in webhook.events]
    return {"webhook": webhook, "events": labels, "why_off": _why(webhook.told)}


def _why(told: dict | None) -> str:
    return in_words(Told.from_dict(told)) if told else ""


def _refuse(form: WebhookForm, error: InvalidValue) -> None:
    for one in error.all:
        form.add_error(one.field if one.field in form.fields else None, in_words(one))


urlpatterns = [
    path("projects/<int:project_id>/webhooks/", webhooks, name="webhooks"),
    path("webhooks/<int:webhook_id>/", webhook, name="webhook"),
    path("webhooks/<int:webhook_id>/switch/", switch_webhook, name="switch_webhook"),
    path("webhooks/<int:webhook_id>/test/", test_webhook, name="test_webhook"),
    path("webhooks/<int:webhook_id>/secret/", rotate_secret, name="rotate_webhook_secret"),
    path("webhooks/<int:webhook_id>/old-secret/", end_old_secret, name="end_old_webhook_secret"),
    path("webhooks/<int:webhook_id>/delete/", delete_webhook, name="delete_webhook"),
    path("webhooks/<int:webhook_id>/replay/", replay_deliveries, name="replay_deliveries"),
]
