"""The payment sheet and the rates behind it."""

import csv
import io
from datetime import date

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from annotate.access import MANAGE, get_project
from annotate.kinds import InvalidValue
from annotate.models import Membership, PayRate, Project
from annotate.pages.reasons import in_words
from annotate.reports.pay import as_csv_rows, pay_sheet, totals
from annotate.services.people import pay as services


class RateForm(forms.Form):
    """The pay of one tier."""

    tier = forms.ChoiceField(
        choices=[("", gettext_lazy("Everybody else")), *Membership.Tier.choices],
        required=False,
        label=gettext_lazy("Tier"),
    )
    basis = forms.ChoiceField(choices=PayRate.Basis.choices, label=gettext_lazy("Paid by"))
    amount = forms.DecimalField(
        min_value=0, max_digits=10, decimal_places=4, label=gettext_lazy("Amount")
    )
    currency = forms.RegexField(
        r"^[A-Z]{3}$",
        label=gettext_lazy("Currency"),
        help_text=gettext_lazy("Three capital letters, such as EUR."),
    )
    bonus_percent = forms.IntegerField(
        min_value=0, max_value=1000, initial=0, label=gettext_lazy("Bonus, % of the pay")
    )
    bonus_share = forms.IntegerField(
        min_value=0,
        max_value=100,
        initial=90,
        label=gettext_lazy("For hidden items right, % at least"),
    )
    bonus_from = forms.IntegerField(
        min_value=1, max_value=10_000, initial=10, label=gettext_lazy("Of at least so many")
    )


def _period(request: HttpRequest) -> tuple[date, date]:
    """The days that are asked for; by default the month so far."""
    today = timezone.localdate()
    found = []
    for name, default in (("first", today.replace(day=1)), ("last", today)):
        try:
            found.append(date.fromisoformat(request.GET.get(name, "")))
        except ValueError:
            found.append(default)
    first, last = found
    return min(first, last), min(max(first, last), date(9000, 1, 1))


@login_required
@require_safe
def pay(request: HttpRequest, project_id: int) -> HttpResponse:
    """What everybody did in a period and what it comes to."""
    return _page(request, get_project(request.user, project_id, MANAGE))


@login_required
@require_safe
def pay_csv(request: HttpRequest, project_id: int) -> HttpResponse:
    """The sheet as CSV."""
    project = get_project(request.user, project_id, MANAGE)
    first, last = _period(request)
    text = io.StringIO()
    csv.writer(text).writerows(as_csv_rows(pay_sheet(project, first, last)))
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    name = f"pay-{slugify(project.name) or project.pk}-{first}-{last}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer


@login_required
@require_POST
def set_pay_rate(request: HttpRequest, project_id: int) -> HttpResponse:
    """Set the rate of a tier."""
    project = get_project(request.user, project_id, MANAGE)
    form = RateForm(request.POST)
    if form.is_valid():
        try:
            services.set_rate(
                project=project,
                actor=request.user,
                address=request.META["REMOTE_ADDR"],
                **form.cleaned_data,
            )
        except InvalidValue as error:
            form.add_error(error.field if error.field in form.fields else None, in_words(error))
        else:
            messages.success(request, _("The rate is saved."))
            return redirect("pay", project.pk)
    return _page(request, project, rate_form=form, status=422)


@login_required
@require_POST
def remove_pay_rate(request: HttpRequest, project_id: int) -> HttpResponse:
    """Remove the rate of a tier."""
    project = get_project(request.user, project_id, MANAGE)
    services.remove_rate(
        project=project,
        tier=request.POST.get("tier", "")[:16],
        actor=request.user,
        address=request.META["REMOTE_ADDR"],
    )
    messages.success(request, _("The rate is removed."))
    return redirect("pay", project.pk)


def _page(
    request: HttpRequest, project: Project, *, status: int = 200, **more: object
) -> HttpResponse:
    first, last = _period(request)
    lines = pay_sheet(project, first, last)
    names = dict(Membership.Tier.choices)
    context = {
        "project": project,
        "tab": "people",
        "first": first,
        "last": last,
        "period": urlencode({"first": first, "last": last}),
        "lines": [{"line": line, "tier": names.get(line.tier, "")} for line in lines],
        "totals": totals(lines),
        "rates": [
            {"rate": rate, "tier": names.get(rate.tier, _("Everybody else"))}
            for rate in PayRate.objects.filter(project=project).order_by("tier")
        ],
        "rate_form": RateForm(),
        **more,
    }
    response = render(request, "annotate/projects/pay.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


urlpatterns = [
    path("projects/<int:project_id>/pay/", pay, name="pay"),
    path("projects/<int:project_id>/pay/sheet.csv", pay_csv, name="pay_csv"),
    path("projects/<int:project_id>/pay/rates/", set_pay_rate, name="set_pay_rate"),
    path("projects/<int:project_id>/pay/rates/remove/", remove_pay_rate, name="remove_pay_rate"),
]
