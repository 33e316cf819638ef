"""The leaderboard: what is published, what a manager has computed, and the votes behind both."""

import json
from collections.abc import Iterable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import (
    MANAGE,
    REVIEW,
    get_board_project,
    get_in_project,
    get_project,
)
from annotate.kinds import InvalidValue
from annotate.models import Board, BoardRun, Project
from annotate.pages.board_form import BoardForm, chosen_in_words, rules_in_words
from annotate.pages.paging import number_in, page_links
from annotate.pages.reasons import in_words
from annotate.reports.board_votes import models_of, votes_between
from annotate.reports.boards import LEFT_OUT, as_csv, standing
from annotate.services.reports import boards as services
from annotate.services.reports.board_rules import BoardRules
from annotate.services.workers import why_waiting

LISTED = 50
TAB = "leaderboard"
PAGE = "annotate/projects/leaderboard.html"
RUN_PAGE = "annotate/projects/board_run.html"


@login_required
@require_safe
def leaderboard(request: HttpRequest, project_id: int) -> HttpResponse:
    """The latest published board, or that of ?board=; managers also compute new ones here."""
    return _page(request, get_board_project(request.user, project_id))


@login_required
@require_POST
def compute_board(request: HttpRequest, project_id: int) -> HttpResponse:
    """Queue a computation."""
    project = get_project(request.user, project_id, MANAGE)
    form = BoardForm(request.POST, project=project)
    rules = form.rules()
    if rules is None:
        return _page(request, project, form=form, status=422)
    try:
        run = services.start_board(project=project, actor=request.user, rules=rules)
    except InvalidValue as error:
        form.refuse(error)
        return _page(request, project, form=form, status=422)
    return redirect("board_run", run.pk)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def board_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """A computation: its progress, then the board, to be published or not."""
    run = get_in_project(
        request.user, BoardRun.objects.select_related("created_by"), run_id, MANAGE
    )
    return _run_page(request, run)


@login_required
@require_POST
def cancel_board(request: HttpRequest, run_id: int) -> HttpResponse:
    """Ask it to stop."""
    run = get_in_project(request.user, BoardRun.objects.all(), run_id, MANAGE)
    services.cancel_board(run=run, actor=request.user)
    return redirect("board_run", run.pk)


@login_required
@require_POST
def publish_board(request: HttpRequest, run_id: int) -> HttpResponse:
    """Keep it, for whoever the project lets read leaderboards."""
    run = get_in_project(request.user, BoardRun.objects.all(), run_id, MANAGE)
    try:
        board = services.publish_board(
            run=run, actor=request.user, note=request.POST.get("note", "").replace("\r\n", "\n")
        )
    except InvalidValue as error:
        return _run_page(request, run, refused=in_words(error), status=422)
    messages.success(request, _("Leaderboard %(number)s is published.") % {"number": board.number})
    return redirect("leaderboard", run.project_id)


@login_required
@require_safe
def download_board(request: HttpRequest, board_id: int, format: str) -> HttpResponse:
    """A published board as CSV or JSON."""
    board = _board(request, board_id)
    name = f"leaderboard-{board.number}.{format}"
    if format == "csv":
        answer = HttpResponse(as_csv(board.result), content_type="text/csv; charset=utf-8")
    elif format == "json":
        body = {
            "number": board.number,
            "rules": board.rules,
            "sha256": board.sha256,
            "created_at": board.created_at.isoformat(),
            "note": board.note,
            **board.result,
        }
        text = json.dumps(body, ensure_ascii=False)
        answer = HttpResponse(text, content_type="application/json")
    else:
        raise Http404("There is no such format.")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@login_required
@require_safe
def board_votes(request: HttpRequest, board_id: int) -> HttpResponse:
    """The votes that a published board counted of one model, or between two."""
    board = get_in_project(request.user, Board.objects.all(), board_id, REVIEW)
    get_board_project(request.user, board.project_id)
    return _votes_page(request, board, reverse("leaderboard", args=[board.project_id]))


@login_required
@require_safe
def board_run_votes(request: HttpRequest, run_id: int) -> HttpResponse:
    """The same of a computation."""
    run = get_in_project(request.user, BoardRun.objects.exclude(result=None), run_id, MANAGE)
    return _votes_page(request, run, reverse("board_run", args=[run.pk]))


def _page(
    request: HttpRequest, project: Project, *, form: BoardForm | None = None, status: int = 200
) -> HttpResponse:
    role = project.membership.role if project.membership else None
    manages = request.user.is_superuser or role in MANAGE
    published = Board.objects.filter(project=project).order_by("-number")
    listed = list(published.defer("result").select_related("created_by")[:LISTED])
    number = number_in(request, "board")
    board = published.select_related("created_by")
    board = (board.filter(number=number) if number is not None else board).first()
    if number is not None and board is None:
        raise Http404(_("The project has no leaderboard of this number."))
    context = {
        "project": project,
        "tab": TAB,
        "manages": manages,
        "board": board,
        "boards": _with_rules(listed),
        "form": form or BoardForm(project=project),
    }
    if manages:
        runs = BoardRun.objects.filter(project=project).defer("result").order_by("-pk")
        context["runs"] = _with_rules(runs.select_related("created_by")[: services.KEPT_RUNS])
    if board is not None:
        reviews = request.user.is_superuser or role in REVIEW
        votes = reverse("board_votes", args=[board.pk]) if reviews else ""
        context |= _shown(request, board, votes)
    return render(request, PAGE, context, status=status)


def _with_rules(
    found: Iterable[Board] | Iterable[BoardRun],
) -> list[tuple[Board | BoardRun, list[tuple[str, str]]]]:
    """Each with the rules that it was computed by, where they are not the usual ones."""
    return [(one, chosen_in_words(BoardRules.of_stored(one.rules))) for one in found]


def _run_page(
    request: HttpRequest, run: BoardRun, *, refused: str = "", status: int = 200
) -> HttpResponse:
    context = {"project": run.project, "tab": TAB, "run": run, "refused": refused}
    context["waits"] = why_waiting(run)
    if run.result is not None:
        context |= _shown(request, run, reverse("board_run_votes", args=[run.pk]))
    else:
        context["rules"] = rules_in_words(BoardRules.of_stored(run.rules))
    page = f"{RUN_PAGE}#live" if request.htmx else RUN_PAGE
    return render(request, page, context, status=status)


def _shown(request: HttpRequest, of: Board | BoardRun, votes_url: str) -> dict[str, object]:
    """What the table and all beside it are drawn from."""
    if of.rules.get("question"):
        votes_url = ""  # they would tell who gave the answer
    category = request.GET.get("category", "")
    found = standing(of.result, category, request.GET.get("style") == "1")
    left_out = of.result["left_out"].items()
    return {
        "standing": found,
        "categories": of.result["categories"],
        "small": of.result["small"],
        "counts": of.result["counts"],
        "left_out": [(LEFT_OUT[name], count) for name, count in left_out if count],
        "intervals": of.result["intervals"],
        "rules": rules_in_words(BoardRules.of_stored(of.rules)),
        "votes_url": votes_url,
        "of_category": urlencode({"category": found.category}) if found.category else "",
        "shown_board": number_in(request, "board"),
    }


def _votes_page(request: HttpRequest, of: Board | BoardRun, back: str) -> HttpResponse:
    if of.rules.get("question"):
        raise Http404(_("Votes behind a board of a group are not listed: they would name people."))
    first, second = number_in(request, "first"), number_in(request, "second")
    models = models_of(of.result, first, second)
    if not models:
        raise Http404(_("The leaderboard has no such model."))
    category = request.GET.get("category", "")
    votes, after = votes_between(
        project=of.project,
        rules=BoardRules.of_stored(of.rules),
        last_id=of.last_judgement,
        models=models,
        category=category if category in of.result["boards"] else "",
        before=number_in(request, "before"),
    )
    kept = {"first": first, "second": second, "category": category}
    context = {
        "project": of.project,
        "tab": TAB,
        "models": models,
        "category": category,
        "votes": votes,
        "back": back,
        **page_links(request, after, {name: v for name, v in kept.items() if v not in (None, "")}),
    }
    return render(request, "annotate/projects/board_votes.html", context)


def _board(request: HttpRequest, board_id: int) -> Board:
    board = get_in_project(request.user, Board.objects.all(), board_id)
    get_board_project(request.user, board.project_id)
    return board


urlpatterns = [
    path("projects/<int:project_id>/leaderboard/", leaderboard, name="leaderboard"),
    path("projects/<int:project_id>/leaderboard/compute/", compute_board, name="compute_board"),
    path("leaderboard-runs/<int:run_id>/", board_run, name="board_run"),
    path("leaderboard-runs/<int:run_id>/cancel/", cancel_board, name="cancel_board"),
    path("leaderboard-runs/<int:run_id>/publish/", publish_board, name="publish_board"),
    path("leaderboard-runs/<int:run_id>/votes/", board_run_votes, name="board_run_votes"),
    path(
        "leaderboards/<int:board_id>/download/<str:format>/", download_board, name="download_board"
    ),
    path("leaderboards/<int:board_id>/votes/", board_votes, name="board_votes"),
]
