"""Links that let people into a project: made, copied, revoked by its managers."""

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from annotate.access import MANAGE, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import Invitation, Membership, Project
from annotate.models.invitation import Standing
from annotate.pages.paging import number_in, page_links
from annotate.pages.reasons import in_words
from annotate.services.people import invitations as links
from annotate.services.people.mail import is_mail_set_up, mail_invitation

PAGE_SIZE = 50
Role, Tier = Membership.Role, Membership.Tier
STANDING_WORDS = {
    Standing.OPEN: _("Open"),
    Standing.USED: _("Used up"),
    Standing.EXPIRED: _("Expired"),
    Standing.REVOKED: _("Revoked"),
}


class InvitationForm(forms.Form):
    """A new link."""

    role = forms.ChoiceField(
        label=_("Role"), choices=[(role, Role(role).label) for role in links.ROLES]
    )
    tier = forms.ChoiceField(label=_("Tier"), choices=Tier.choices)
    team = forms.ChoiceField(label=_("Team"), required=False)
    max_uses = forms.IntegerField(
        label=_("How many people may use it"), initial=1, min_value=1, max_value=links.MOST_USES
    )
    days = forms.IntegerField(
        label=_("Days that it is good for"), initial=links.DAYS, min_value=1, max_value=365
    )
    note = forms.CharField(
        label=_("Whom it is for"),
        max_length=200,
        required=False,
        help_text=_("For this list only."),
    )
    email = forms.EmailField(
        label=_("Send it to"), required=False, help_text=_("Optional: one person’s e-mail address.")
    )

    def __init__(self, *args, project: Project, **named) -> None:
        super().__init__(*args, **named)
        teams = project.teams.order_by("name").values_list("pk", "name")
        self.fields["team"].choices = [("", _("No team")), *teams]
        if not teams:
            del self.fields["team"]
        if not is_mail_set_up():
            del self.fields["email"]

    def values(self) -> dict[str, object]:
        """As services/people/invitations.py takes them."""
        values = dict(self.cleaned_data)
        values["team"] = int(values["team"]) if values.get("team") else None
        return values


@dataclass(frozen=True)
class Row:
    """One invitation as the list shows it."""

    invitation: Invitation
    link: str
    standing: Standing

    @property
    def words(self) -> str:
        return str(STANDING_WORDS[self.standing])

    @property
    def is_open(self) -> bool:
        return self.standing == Standing.OPEN


@login_required
@require_safe
def invitations(request: HttpRequest, project_id: int) -> HttpResponse:
    """The links, the newest first, each with its standing."""
    return _page(request, get_project(request.user, project_id, MANAGE))


@login_required
@require_POST
def create_invitation(request: HttpRequest, project_id: int) -> HttpResponse:
    """Make a link; send it where an address is given."""
    project = get_project(request.user, project_id, MANAGE)
    form = InvitationForm(request.POST, project=project)
    status = 422
    if form.is_valid():
        try:
            invitation = links.create_invitation(
                project=project,
                actor=request.user,
                address=request.META["REMOTE_ADDR"],
                **form.values(),
            )
        except links.rates.TooManyTries as refused:
            form.add_error(None, _sentence(refused))
            status = 429
        except InvalidValue as refused:
            for error in refused.all:
                form.add_error(error.field if error.field in form.fields else None, _said(error))
        except PermissionDenied as error:
            form.add_error("role", str(error))
        else:
            _tell(request, invitation)
            return redirect("invitations", project.pk)
    return _page(request, project, form=form, status=status)


@login_required
@require_POST
def revoke_invitation(request: HttpRequest, invitation_id: int) -> HttpResponse:
    rows = Invitation.objects.select_related("project")
    invitation = get_in_project(request.user, rows, invitation_id, MANAGE)
    links.revoke_invitation(
        invitation=invitation, actor=request.user, address=request.META["REMOTE_ADDR"]
    )
    messages.success(request, _("The link lets nobody in any more. Who came by it stays."))
    return redirect("invitations", invitation.project_id)


def _link(request: HttpRequest, invitation: Invitation) -> str:
    """The whole address, as people are given it."""
    return request.build_absolute_uri(links.join_path(invitation))


def _tell(request: HttpRequest, invitation: Invitation) -> None:
    if not invitation.email:
        messages.success(request, _("The link is made: copy it from the list."))
    elif mail_invitation(invitation=invitation, link=_link(request, invitation)):
        messages.success(request, _("The link is sent to %s.") % invitation.email)
    else:
        messages.error(
            request,
            _("The link is made, but the mail could not be sent: copy it and hand it over."),
        )


def _page(
    request: HttpRequest, project: Project, *, form: InvitationForm | None = None, status: int = 200
) -> HttpResponse:
    rows = project.invitations.select_related("team", "created_by").order_by("-pk")
    before = number_in(request, "before")
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE_SIZE + 1])
    after = found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None
    now = timezone.now()
    context = {
        "project": project,
        "tab": "people",
        "rows": [Row(one, _link(request, one), one.standing(now)) for one in found[:PAGE_SIZE]],
        "form": form or InvitationForm(project=project),
        **page_links(request, after),
    }
    response = render(request, "annotate/projects/invitations.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _said(error: InvalidValue) -> str:
    text = in_words(error)
    return text[:1].upper() + text[1:]


def _sentence(error: InvalidValue) -> str:
    return f"{_said(error)}."


urlpatterns = [
    path("projects/<int:project_id>/people/invitations/", invitations, name="invitations"),
    path(
        "projects/<int:project_id>/people/invitations/new/",
        create_invitation,
        name="create_invitation",
    ),
    path("invitations/<int:invitation_id>/revoke/", revoke_invitation, name="revoke_invitation"),
]
