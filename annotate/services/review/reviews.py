"""Deciding about answers: accept, amend, return to their author, dismiss.

Nothing is changed: a decision is a row, a later one replaces it, an amendment is a judgement that
supersedes. The task's row and the memberships of its answers' authors are locked first, in this
order, as whoever revises an answer locks their own: so two reviewers, or a reviewer and the author,
come one after the other, and the second is told what the first did.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from annotate import access, handout
from annotate.forms import Form
from annotate.inputs import BIGINT_MAX, clean_boolean, clean_choice, clean_integer, clean_text
from annotate.kinds import InvalidValue
from annotate.kinds.span_suggestions import told_of
from annotate.models import Judgement, OverlapDue, Review, Task, User
from annotate.services import audit
from annotate.services.work.seats import known_id

MAX_NOTE = 5_000
MAX_RATIONALE = 20_000
Decision = Review.Decision

# An amended answer as JSON, or what reads one once its form is known.
Answer = object | Callable[[Form], object]


class ReviewConflict(Exception):
    """The page is stale: somebody decided, or the answer was changed, since it was read."""


@dataclass(frozen=True)
class Decided:
    """`created` is false when the same reviewer had decided just this before. `dismissed` are the
    decisions about the task's other answers, where they were asked for."""

    review: Review
    created: bool
    dismissed: tuple[Review, ...] = ()


@transaction.atomic
def decide(
    *,
    judgement_id: int,
    reviewer: User,
    decision: str,
    note: str = "",
    value: Answer = None,
    rationale: str = "",
    dismiss_others: bool = False,
    seen: int = 0,
    seen_judgement: int | None = None,
) -> Decided:
    """Decide about the answer, as it was seen.

    `seen` is the newest decision about the task that was read, 0 for none; `seen_judgement` the
    newest judgement of the task, needed with `dismiss_others` alone. `value` and `rationale` are
    those of the amendment; `dismiss_others` settles the task by this answer (accept, amend).

    Raises InvalidValue, ReviewConflict, PermissionDenied for one's own answer, Http404.
    """
    decision = clean_choice("decision", decision, Decision.values)
    note = clean_text("note", note, max_chars=MAX_NOTE)
    clean_boolean("dismiss_others", dismiss_others)
    clean_integer("seen", seen, low=0, high=BIGINT_MAX)
    if decision == Decision.RETURN and not note.strip():
        raise InvalidValue("note", "is empty; say what its author should look at")
    if dismiss_others and decision not in (Decision.ACCEPT, Decision.AMEND):
        raise InvalidValue("dismiss_others", "goes with an answer that is accepted or amended")
    rows = Judgement.objects.select_related("project", "form_version")
    judgement = access.get_in_project(reviewer, rows, known_id(judgement_id), access.REVIEW)
    _lock(judgement, everybody=dismiss_others)
    is_amendment = Review.objects.filter(amended=judgement).exists()
    last = Review.objects.filter(judgement=judgement).order_by("-pk").first()
    form = answer = None
    if decision == Decision.AMEND:
        form, answer = _clean_amendment(judgement, reviewer, value, rationale)
    if last is not None and _is_repeated(last, reviewer, decision, note, answer, seen):
        return Decided(last, created=False)
    _refuse_stale(judgement, last, seen)
    _refuse_unfit(judgement, is_amendment, reviewer, decision)
    others = _others(judgement, reviewer, seen, seen_judgement) if dismiss_others else []
    amended = None
    if decision == Decision.AMEND:
        amended = _amend(judgement, reviewer, form, answer, rationale)
    review = _write(
        judgement, is_amendment, reviewer, decision, note, last,
        amended=amended, settles_task=dismiss_others,
    )  # fmt: skip
    dismissed = tuple(_dismiss(one, review, note) for one in others)
    if judgement.project.overlap_most is not None:
        OverlapDue.objects.create(task_id=judgement.task_id)  # what counts as a vote has changed
    return Decided(review, created=True, dismissed=dismissed)


def _lock(judgement: Judgement, *, everybody: bool) -> None:
    """The task, then the authors' memberships by their ids."""
    Task.objects.select_for_update(no_key=True).get(pk=judgement.task_id)
    authors = {judgement.annotator_id}
    if everybody:
        same = Judgement.objects.filter(task=judgement.task_id)
        authors |= set(same.values_list("annotator_id", flat=True))
    for author in sorted(authors - {None}):
        handout.lock_person(project_id=judgement.project_id, user_id=author)


def _is_repeated(
    last: Review, reviewer: User, decision: str, note: str, answer: dict | None, seen: int
) -> bool:
    """A double click, or a request that was sent again."""
    same = (last.reviewer_id, last.decision, last.note) == (reviewer.pk, decision, note)
    told = last.amended.value if last.amended else None
    return same and told == answer and last.pk > seen


def _refuse_stale(judgement: Judgement, last: Review | None, seen: int) -> None:
    if last is not None and last.pk > seen:
        told = {"who": last.reviewer.username, "decision": last.get_decision_display()}
        raise ReviewConflict(
            _(
                "%(who)s has decided about this answer meanwhile (%(decision)s). Nothing was "
                "changed; look at it again and decide anew if you see it otherwise."
            )
            % told
        )
    if Judgement.objects.filter(supersedes=judgement).exists():
        raise ReviewConflict(
            _("This answer was changed meanwhile, so nothing was decided. Look at the new one.")
        )


def _refuse_unfit(judgement: Judgement, is_amendment: bool, reviewer: User, decision: str) -> None:
    if judgement.annotator_id == reviewer.pk and not is_amendment:
        raise PermissionDenied(_("This answer is your own; another reviewer must look at it."))
    if is_amendment and _first_author(judgement) == reviewer.pk:
        raise PermissionDenied(
            _("This is the amendment of your own answer; another reviewer must look at it.")
        )
    if is_amendment and decision not in (Decision.AMEND, Decision.DISMISS):
        raise InvalidValue(
            "decision", "is about a reviewer’s amendment, which can be amended or dismissed"
        )
    if decision == Decision.RETURN and judgement.annotator_id is None:
        raise InvalidValue("decision", "is about an answer without an author to return it to")


def _first_author(judgement: Judgement) -> int | None:
    """Whose answer it was before anybody amended it. A query a step of the chain."""
    while judgement.supersedes is not None:
        judgement = judgement.supersedes
    return judgement.annotator_id


def _others(
    judgement: Judgement, reviewer: User, seen: int, seen_judgement: int | None
) -> list[Judgement]:
    """The task's other answers that count, none of which came after `seen_judgement`."""
    if seen_judgement is None:
        raise InvalidValue(
            "seen_judgement", "is missing; with dismiss_others say which answer was the newest"
        )
    clean_integer("seen_judgement", seen_judgement, low=0, high=BIGINT_MAX)
    same = Judgement.objects.filter(task=judgement.task_id)
    newer = same.filter(pk__gt=seen_judgement).exists()
    if newer or Review.objects.filter(task=judgement.task_id, pk__gt=seen).exists():
        raise ReviewConflict(
            _("Another answer or decision came meanwhile, so nothing was decided. Look again.")
        )
    found = []
    for one in same.current().exclude(pk=judgement.pk).select_related("project").order_by("pk"):
        last = Review.objects.filter(judgement=one).order_by("-pk").first()
        if last is not None and last.decision == Decision.DISMISS:
            continue
        if one.annotator_id == reviewer.pk and not Review.objects.filter(amended=one).exists():
            raise PermissionDenied(
                _("You answered this task yourself, so another reviewer must settle it.")
            )
        found.append(one)
    return found


def _dismiss(judgement: Judgement, settled: Review, note: str) -> Review:
    last = Review.objects.filter(judgement=judgement).order_by("-pk").first()
    is_amendment = Review.objects.filter(amended=judgement).exists()
    return _write(
        judgement, is_amendment, settled.reviewer, Decision.DISMISS, note, last, settled_by=settled
    )


def _clean_amendment(
    old: Judgement, reviewer: User, value: Answer, rationale: str
) -> tuple[Form, dict]:
    """The reviewer's answer, under the form that the old one was given under."""
    clean_text("rationale", rationale, max_chars=MAX_RATIONALE)
    form = Form.of_judgement(old)
    order = old.shown_order or list(
        old.task.places.order_by("position").values_list("response_id", flat=True)
    )
    answer = form.clean_value(
        value(form) if callable(value) else value,
        task_id=old.task_id,
        response_ids=order,
        annotator_id=old.annotator_id or reviewer.pk,
        rationale=rationale,
        told=told_of(old.value),
    )
    return form, answer


def _amend(old: Judgement, reviewer: User, form: Form, answer: dict, rationale: str) -> Judgement:
    return Judgement.objects.create(
        project_id=old.project_id,
        task_id=old.task_id,
        seat_id=old.seat_id,
        form_version=old.form_version,
        kind=old.kind,
        schema_version=form.module.SCHEMA_VERSION,
        value=answer,
        rationale=rationale,
        source=Judgement.Source.PERSON,
        simulated=reviewer.is_simulated,
        annotator=reviewer,
        shown_order=old.shown_order,
        is_gold=old.is_gold,
        late=old.late,
        supersedes=old,
    )


def _write(
    judgement: Judgement,
    is_amendment: bool,
    reviewer: User,
    decision: str,
    note: str,
    last: Review | None,
    *,
    amended: Judgement | None = None,
    settles_task: bool = False,
    settled_by: Review | None = None,
) -> Review:
    review = Review.objects.create(
        project_id=judgement.project_id,
        task_id=judgement.task_id,
        judgement=judgement,
        reviewer=reviewer,
        author_id=None if is_amendment else judgement.annotator_id,
        decision=decision,
        note=note,
        amended=amended,
        settles_task=settles_task,
        settled_by=settled_by,
        replaces=last,
    )
    audit.record(
        action="judgement.reviewed",
        target=judgement,
        actor=reviewer,
        project=judgement.project,
        decision=decision,
        **({"amended": amended.pk} if amended else {}),
        **({"instead": settled_by.judgement_id} if settled_by else {}),
    )
    return review
