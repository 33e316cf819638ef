"""Training, quiz and limits as managers set them and see them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from annotate.access import MANAGE, get_in_project, get_project
from annotate.models import GoldItem, Membership, Project
from annotate.pages.rules_form import RulesForm
from annotate.reports.gold import counts_by_use
from annotate.reports.qualification import qualified_people
from annotate.services.people import standing


class PracticeRules(RulesForm):
    """What comes before real tasks."""

    FIELDS = ("training", "quiz_pass_percent", "quiz_tries", "quiz_wait_minutes")


class LimitRules(RulesForm):
    """How much one person may do."""

    FIELDS = ("cap_hour", "cap_day", "cap_total", "break_minutes")


@login_required
@require_safe
def qualification(request: HttpRequest, project_id: int) -> HttpResponse:
    """The rules, and how everybody stands with them."""
    return _page(request, get_project(request.user, project_id, MANAGE))


@login_required
@require_POST
def set_practice_rules(request: HttpRequest, project_id: int) -> HttpResponse:
    """Change what comes before real tasks."""
    return _save(request, project_id, PracticeRules, "practice_form")


@login_required
@require_POST
def set_limit_rules(request: HttpRequest, project_id: int) -> HttpResponse:
    """Change how much one person may do."""
    return _save(request, project_id, LimitRules, "limit_form")


def _save(request: HttpRequest, project_id: int, rules: type[RulesForm], name: str) -> HttpResponse:
    project = get_project(request.user, project_id, MANAGE)
    form = rules(request.POST)
    if form.save(project, request):
        messages.success(request, _("The rules are saved."))
        return redirect("qualification", project.pk)
    return _page(request, project, status=422, **{name: form})


def _page(
    request: HttpRequest, project: Project, *, status: int = 200, **more: object
) -> HttpResponse:
    counts = counts_by_use(project)
    context = {
        "project": project,
        "tab": "people",
        "people": qualified_people(project),
        "rules": standing.rules_of(project),
        "training_items": counts.get(GoldItem.Use.TRAINING, 0),
        "quiz_items": counts.get(GoldItem.Use.QUIZ, 0),
        "practice_form": PracticeRules.of(project),
        "limit_form": LimitRules.of(project),
        **more,
    }
    return render(request, "annotate/projects/qualification.html", context, status=status)


@login_required
@require_POST
def let_in(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Take a member as qualified."""
    member = _member(request, membership_id)
    standing.let_in(membership=member, actor=request.user, address=request.META["REMOTE_ADDR"])
    messages.success(request, _("%s counts as qualified.") % member.user.username)
    return redirect("qualification", member.project_id)


@login_required
@require_POST
def ask_again(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Ask a member to go through training and quiz, with all tries."""
    member = _member(request, membership_id)
    standing.ask_again(membership=member, actor=request.user, address=request.META["REMOTE_ADDR"])
    messages.success(request, _("%s is asked again, with all tries.") % member.user.username)
    return redirect("qualification", member.project_id)


def _member(request: HttpRequest, membership_id: int) -> Membership:
    rows = Membership.objects.select_related("user", "project")
    return get_in_project(request.user, rows, membership_id, MANAGE)


urlpatterns = [
    path("projects/<int:project_id>/qualification/", qualification, name="qualification"),
    path(
        "projects/<int:project_id>/qualification/practice/",
        set_practice_rules,
        name="set_practice_rules",
    ),
    path(
        "projects/<int:project_id>/qualification/limits/",
        set_limit_rules,
        name="set_limit_rules",
    ),
    path("members/<int:membership_id>/let-in/", let_in, name="let_in"),
    path("members/<int:membership_id>/ask-again/", ask_again, name="ask_again"),
]
