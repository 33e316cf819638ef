"""What a project knows of one member: tier, team, languages, skills."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from annotate.access import MANAGE, get_in_project
from annotate.inputs import InvalidValue
from annotate.models import Membership, Project
from annotate.pages.reasons import in_words
from annotate.services.people import members

Tier = Membership.Tier


class MemberForm(forms.Form):
    """Names are written in one line, with commas between them."""

    tier = forms.ChoiceField(
        label=_("Tier"),
        choices=Tier.choices,
        initial=Tier.CROWD,
        help_text=_("Experts can be asked for by routing and hand-out."),
    )
    team = forms.ChoiceField(label=_("Team"), required=False)
    languages = forms.CharField(
        label=_("Languages"),
        required=False,
        max_length=2000,
        help_text=_("Tags with commas between them, such as en, pt-BR. Empty: not known."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    skills = forms.CharField(
        label=_("Skills"),
        required=False,
        max_length=2500,
        help_text=_("Short names with commas between them, such as chemistry, python."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args, project: Project, **named) -> None:
        super().__init__(*args, **named)
        teams = project.teams.order_by("name").values_list("pk", "name")
        self.fields["team"].choices = [("", _("No team")), *teams]

    def values(self) -> dict[str, object]:
        """As services/people/members.py takes them."""
        data = self.cleaned_data
        return {
            "tier": data["tier"],
            "team": int(data["team"]) if data["team"] else None,
            "languages": split_names(data["languages"]),
            "skills": split_names(data["skills"]),
        }

    def refuse(self, refused: InvalidValue) -> None:
        """Each reason at its field."""
        for error in refused.all:
            name = error.field.partition(".")[0]
            text = in_words(error)
            self.add_error(name if name in self.fields else None, text[:1].upper() + text[1:])


def split_names(text: str) -> list[str]:
    """What stands between the commas, without what is empty."""
    return [name for name in (part.strip() for part in text.split(",")) if name]


@login_required
@require_http_methods(["GET", "POST"])
def edit_member(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Show it, and change it."""
    rows = Membership.objects.select_related("user", "project", "team")
    member = get_in_project(request.user, rows, membership_id, MANAGE)
    if request.method == "POST":
        form = MemberForm(request.POST, project=member.project)
        if form.is_valid() and _is_changed(request, member, form):
            messages.success(request, _("What is known of %s is saved.") % member.user.username)
            return redirect("people", member.project_id)
        status = 422
    else:
        known = {
            "tier": member.tier,
            "team": member.team_id or "",
            "languages": ", ".join(member.languages),
            "skills": ", ".join(member.skills),
        }
        form, status = MemberForm(initial=known, project=member.project), 200
    context = {"project": member.project, "tab": "people", "member": member, "form": form}
    return render(request, "annotate/projects/member.html", context, status=status)


def _is_changed(request: HttpRequest, member: Membership, form: MemberForm) -> bool:
    try:
        members.change_member(
            membership=member,
            actor=request.user,
            address=request.META["REMOTE_ADDR"],
            **form.values(),
        )
    except InvalidValue as refused:
        form.refuse(refused)
    except PermissionDenied as error:
        form.add_error(None, str(error))
    else:
        return True
    return False


urlpatterns = [path("members/<int:membership_id>/", edit_member, name="edit_member")]
