"""Members of a project and their roles; accounts made on the spot."""

import secrets

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from annotate.access import MANAGE, Role, get_in_project, get_project
from annotate.kinds import InvalidValue
from annotate.models import Membership, Project, Team, User
from annotate.pages.paging import number_in
from annotate.pages.reasons import in_words
from annotate.reports.people import people as people_of
from annotate.reports.people import teams_of
from annotate.services import audit
from annotate.services.people import members


class AddMemberForm(forms.Form):
    """Somebody who has an account already."""

    who = forms.CharField(max_length=254, label=_("Username or e-mail"))
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.ANNOTATOR)

    def clean_who(self) -> str:
        """Finds the account; an e-mail that two accounts share is refused."""
        who = self.cleaned_data["who"].strip()
        found = list(User.objects.filter(Q(username=who) | Q(email__iexact=who))[:2])
        if not found:
            raise forms.ValidationError(
                _("Nobody here has this name or e-mail. Create an account for them.")
            )
        if len(found) > 1:
            raise forms.ValidationError(_("Several accounts fit. Give the exact username."))
        self.user = found[0]
        return who


class CreateAccountForm(forms.Form):
    """A new account that becomes a member at once."""

    username = forms.CharField(
        max_length=150, label=_("Username"), validators=[UnicodeUsernameValidator()]
    )
    email = forms.EmailField(required=False, label=_("E-mail"), help_text=_("Optional."))
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.ANNOTATOR)


@login_required
@require_safe
def people(request: HttpRequest, project_id: int) -> HttpResponse:
    """Who is in, with what they did."""
    return people_page(request, get_project(request.user, project_id, MANAGE))


@login_required
@require_POST
def add_member(request: HttpRequest, project_id: int) -> HttpResponse:
    """Take in somebody who has an account."""
    project = get_project(request.user, project_id, MANAGE)
    form = AddMemberForm(request.POST, prefix="add")
    if form.is_valid():
        try:
            members.add_member(
                project=project,
                user=form.user,
                role=form.cleaned_data["role"],
                actor=request.user,
                address=request.META["REMOTE_ADDR"],
            )
        except InvalidValue as error:
            form.add_error("who", in_words(error))
        except PermissionDenied as error:
            form.add_error("role", str(error))
        else:
            messages.success(request, _("%s is a member now.") % form.user.username)
            return redirect("people", project.pk)
    return people_page(request, project, add_form=form, status=422)


@login_required
@require_POST
def create_account(request: HttpRequest, project_id: int) -> HttpResponse:
    """A new account and its membership; answers with the random password, once."""
    project = get_project(request.user, project_id, MANAGE)
    form = CreateAccountForm(request.POST, prefix="new")
    password = secrets.token_urlsafe(12)
    if form.is_valid():
        try:
            user = _make_member(request, project, form.cleaned_data, password)
        except IntegrityError:
            form.add_error("username", _("This name is taken. Choose another, or add them above."))
        except PermissionDenied as error:
            form.add_error("role", str(error))
        else:
            return people_page(request, project, new_user=user, password=password, status=201)
    return people_page(request, project, new_form=form, status=422)


@transaction.atomic
def _make_member(request: HttpRequest, project: Project, values: dict, password: str) -> User:
    user = User.objects.create_user(values["username"], values["email"], password)
    audit.record(action="user.created", target=user, actor=request.user, project=project)
    members.add_member(
        project=project,
        user=user,
        role=values["role"],
        actor=request.user,
        address=request.META["REMOTE_ADDR"],
    )
    return user


@login_required
@require_POST
def change_role(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Give a member another role."""
    member = get_in_project(request.user, _memberships(), membership_id, MANAGE)
    try:
        members.change_role(
            membership=member,
            role=request.POST.get("role", ""),
            actor=request.user,
            address=request.META["REMOTE_ADDR"],
        )
    except (InvalidValue, PermissionDenied) as error:
        messages.error(request, _said(error))
    else:
        messages.success(request, _("The role of %s is changed.") % member.user.username)
    return redirect("people", member.project_id)


@login_required
@require_POST
def remove_member(request: HttpRequest, membership_id: int) -> HttpResponse:
    """End a membership; what the person judged stays."""
    member = get_in_project(request.user, _memberships(), membership_id, MANAGE)
    try:
        members.remove_member(
            membership=member, actor=request.user, address=request.META["REMOTE_ADDR"]
        )
    except (InvalidValue, PermissionDenied) as error:
        messages.error(request, _said(error))
        return redirect("people", member.project_id)
    messages.success(request, _("%s is no longer a member.") % member.user.username)
    return redirect(
        "home" if member.user_id == request.user.pk else "people", *_of(request, member)
    )


def _of(request: HttpRequest, member: Membership) -> list[int]:
    return [] if member.user_id == request.user.pk else [member.project_id]


def _said(error: InvalidValue | PermissionDenied) -> str:
    text = in_words(error) if isinstance(error, InvalidValue) else str(error)
    return text[:1].upper() + text[1:]


def _memberships():
    return Membership.objects.select_related("user", "project")


def people_page(
    request: HttpRequest, project: Project, *, status: int = 200, **more: object
) -> HttpResponse:
    """The page; `more` is what else its template is told, such as a form that was refused."""
    chosen = read_team(request, project)
    mine = project.membership.role if project.membership else Role.OWNER
    context = {
        "project": project,
        "tab": "people",
        "people": people_of(project, chosen),
        "teams": teams_of(project),
        "chosen": chosen,
        "roles": Role.choices,
        "is_owner": mine == Role.OWNER or request.user.is_superuser,
        "add_form": AddMemberForm(prefix="add"),
        "new_form": CreateAccountForm(prefix="new"),
        **more,
    }
    response = render(request, "annotate/projects/people.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def read_team(request: HttpRequest, project: Project) -> Team | None:
    """The team that the address asks for; None for all, and for a team that is gone."""
    number = number_in(request, "team")
    return project.teams.filter(pk=number).first() if number else None


urlpatterns = [
    path("projects/<int:project_id>/people/", people, name="people"),
    path("projects/<int:project_id>/people/add/", add_member, name="add_member"),
    path("projects/<int:project_id>/people/create/", create_account, name="create_account"),
    path("members/<int:membership_id>/role/", change_role, name="change_role"),
    path("members/<int:membership_id>/remove/", remove_member, name="remove_member"),
]
