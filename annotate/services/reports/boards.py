"""Leaderboards: asked for, computed by a worker, and published as they are from then on."""

from dataclasses import replace

from django.db import transaction
from django.db.models import Max

from annotate.inputs import clean_text
from annotate.kinds import InvalidValue
from annotate.models import Board, BoardRun, JobState, Project, User
from annotate.services import audit, jobs
from annotate.services.reports.board_rules import BoardRules
from annotate.services.reports.board_votes import gather
from annotate.services.reports.profile_groups import check_group, require_least, require_people
from annotate.wording import Grouped, Refusal, Told

GOING = (JobState.QUEUED, JobState.RUNNING)
KEPT_RUNS = 20
MAX_NOTE = 2000


class _Stopped(Exception):
    """Somebody asked for it to stop."""


@transaction.atomic
def start_board(*, project: Project, actor: User, rules: BoardRules) -> BoardRun:
    """Queue a computation; the one under way by the same rules, if there is one.

    Of computations that are over, the latest KEPT_RUNS stay. Raises InvalidValue for a team that
    there is not, and for a group of which nothing may be told.
    """
    rules.check_team(project)
    if rules.question:
        check_group(project, rules.question, rules.answer)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    kept = rules.as_dict()
    going = BoardRun.objects.filter(project=project, state__in=GOING, rules=kept).first()
    if going is not None:
        return going
    over = BoardRun.objects.filter(project=project).exclude(state__in=GOING).order_by("-pk")
    BoardRun.objects.filter(pk__in=list(over.values_list("pk", flat=True)[KEPT_RUNS:])).delete()
    run = BoardRun.objects.create(project=project, rules=kept, created_by=actor)
    audit.record(action="board.queued", target=run, actor=actor, project=project, rules=kept)
    jobs.enqueue(run)
    return run


def compute_board(run_id: int) -> None:
    """Run a queued computation to its end; called by the worker. Safe to call twice."""
    run = jobs.claim(BoardRun, run_id, owner=jobs.owner_name())
    if run is None:
        return
    # numpy, which whoever only queues goes without
    from annotate.quality.newton import NotSettled

    try:
        _compute(run)
    except _Stopped:
        jobs.finish(run, JobState.CANCELLED, message="")
    except (Refusal, NotSettled) as error:
        jobs.finish(run, JobState.FAILED, message=jobs.why(error))


def _compute(run: BoardRun) -> None:
    from annotate.ranking.report import Asked, report

    rules = BoardRules.of_stored(run.rules)

    def read(count: int) -> None:
        told = Told("{count} judgements read", count=Grouped(count))
        if jobs.heartbeat(run, progress=count, message=told):
            raise _Stopped

    def fitted(done: int, of: int) -> None:
        told = Told("{done} of {of} boards fitted", done=done, of=of)
        if jobs.heartbeat(run, message=told):
            raise _Stopped

    if rules.question:
        _check_people(run.project, rules)
    found = gather(project=run.project, rules=rules, beat=read)
    if rules.question:  # whose answers hold votes
        require_least(found.counts["authors"])
    by_prompt = rules.intervals == "prompts"
    if rules.intervals == "auto":
        by_prompt = found.counts["authors"] < 2 and found.counts["prompts"] > 1
    asked = Asked(
        ties="halves" if rules.ties == "halves" else "davidson",
        style=rules.style,
        most=rules.most,
        by_prompt=by_prompt,
    )
    result = {
        **report(found.gathered, asked, beat=fitted),
        "counts": found.counts,
        "left_out": found.left_out,
        "intervals": "prompts" if by_prompt else "people",
    }
    jobs.finish(
        run,
        JobState.DONE,
        result=result,
        sha256=found.sha256,
        last_judgement=found.last_judgement,
        message=Told("{count} votes counted", count=Grouped(found.counts.get("votes", 0))),
    )


def _check_people(project: Project, rules: BoardRules) -> None:
    """Before anything is read, so that not even how much there is to read is told."""
    check_group(project, rules.question, rules.answer)  # consent and questions may have changed
    everybody = replace(rules, question="", answer="").select(project)
    require_people(everybody, rules.question, rules.answer)


@transaction.atomic
def cancel_board(*, run: BoardRun, actor: User) -> None:
    """Stop it at its next batch; one that is over stays as it is."""
    if run.is_over:
        return
    jobs.request_cancel(run)
    audit.record(action="board.cancel_asked", target=run, actor=actor, project=run.project)


@transaction.atomic
def publish_board(*, run: BoardRun, actor: User, note: str = "") -> Board:
    """Keep what was computed, for its readers, under the next number. Raises InvalidValue for a
    computation that is not done or counted no vote, and for one that is published already.
    """
    note = clean_text("note", note, max_chars=MAX_NOTE)
    project = Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
    run = BoardRun.objects.get(pk=run.pk)
    if run.state != JobState.DONE:
        raise InvalidValue("run", "is not done; wait for it, or compute another one")
    if not any(one["plain"]["rows"] for one in run.result["boards"].values()):
        raise InvalidValue("run", "counted no vote; choose other rules")
    latest = Board.objects.filter(project=project).order_by("-number").first()
    if latest is not None and (latest.sha256, latest.rules) == (run.sha256, run.rules):
        raise InvalidValue(
            "run", "holds the votes and rules of leaderboard {number}", number=latest.number
        )
    number = Board.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0
    board = Board.objects.create(
        project=project,
        number=number + 1,
        note=note,
        rules=run.rules,
        result=run.result,
        last_judgement=run.last_judgement,
        sha256=run.sha256,
        created_by=actor,
    )
    audit.record(
        action="board.published",
        target=board,
        actor=actor,
        project=project,
        number=board.number,
        sha256=board.sha256,
    )
    return board
