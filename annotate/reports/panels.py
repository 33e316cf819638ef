"""Who took part in a study of a panel, for the page, the API and the panel's approval list."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, OuterRef, QuerySet, Subquery

from annotate.models import Membership, PanelStudy, Participation

HEADER = (
    "participant",
    "session",
    "pseudonym",
    "state",
    "code",
    "tasks_done",
    "started_at",
    "ended_at",
)


@dataclass(frozen=True)
class Row:
    """One participant; `done` counts tasks of this study so far."""

    id: int
    participant: str
    is_forgotten: bool
    session: str
    pseudonym: str
    state: str
    state_words: str
    code: str
    done: int
    started_at: datetime
    ended_at: datetime | None


def participants(study: PanelStudy) -> QuerySet[Participation]:
    """With the study, the user and `done_now`; in one query."""
    member = Membership.objects.filter(project=study.project_id, user=OuterRef("user"))
    rows = study.participations.select_related("study", "user")
    return rows.annotate(done_now=Subquery(member.values("done_count")[:1]) - F("done_before"))


def as_row(one: Participation) -> Row:
    done = one.done if one.done is not None else max(0, one.done_now or 0)
    return Row(
        id=one.pk,
        participant=one.participant,
        is_forgotten=one.is_forgotten,
        session=one.session,
        pseudonym=one.user.pseudonym,
        state=one.state,
        state_words=one.get_state_display(),
        code=one.code,
        done=done,
        started_at=one.started_at,
        ended_at=one.ended_at,
    )


def as_csv_rows(study: PanelStudy) -> Iterator[tuple]:
    """A header and a row each, in the order in which they came. Ids cannot begin a formula."""
    yield HEADER
    for one in map(as_row, participants(study).order_by("pk").iterator(chunk_size=1000)):
        yield (
            one.participant,
            one.session,
            one.pseudonym,
            one.state,
            one.code,
            one.done,
            one.started_at.isoformat(),
            one.ended_at.isoformat() if one.ended_at else "",
        )
