"""Deciding about many answers, each by itself: one that changed meanwhile stops no other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404

from annotate.inputs import (
    BIGINT_MAX,
    Checks,
    InvalidValue,
    clean_choice,
    clean_integer,
    clean_text,
)
from annotate.models import Judgement, Project, Review, User
from annotate.services.review.reviews import MAX_NOTE, MAX_RATIONALE, ReviewConflict, decide

FIELDS = frozenset({"decision", "note", "value", "rationale", "seen"})


@dataclass(frozen=True)
class Row:
    """What became of one: `status` is that of the same decision by itself, 201, 200 (it was there
    before), 400, 403, 404 or 409. Why not: `wrong` says what of the item, else `why`.
    """

    judgement: int | None
    status: int
    review: Review | None = None
    wrong: tuple[InvalidValue, ...] = ()
    why: str = ""


def decide_many(*, project: Project, reviewer: User, items: Sequence[object]) -> list[Row]:
    """In their order; each is `judgement` and FIELDS, in a transaction of its own.

    Raises InvalidValue, before any, for items that no answer could fit, as `items.3.field`.

    The same items again change nothing: what stands already answers with 200. Call it outside of
    transactions, in which two reviewers would wait for each other.
    """
    checks = Checks()
    for place, item in enumerate(items):
        try:
            _fields(item)
        except InvalidValue as error:
            for one in error.all:
                at = f"items.{place}" if one.field == "item" else f"items.{place}.{one.field}"
                checks.refuse(one.at(at))
    checks.end()
    return [_decide(project, reviewer, item) for item in items]


def _decide(project: Project, reviewer: User, item: object) -> Row:
    pk: int | None = None
    try:
        fields = _fields(item)
        pk = clean_integer("judgement", fields.pop("judgement"), low=0, high=BIGINT_MAX)
        if not Judgement.objects.filter(pk=pk, project=project).exists():
            raise Http404
        done = decide(judgement_id=pk, reviewer=reviewer, **fields)
    except InvalidValue as error:
        return Row(pk, 400, wrong=tuple(error.all))
    except ReviewConflict as error:
        return Row(pk, 409, why=str(error))
    except PermissionDenied as error:
        return Row(pk, 403, why=str(error))
    except Http404:
        return Row(pk, 404, wrong=(InvalidValue("judgement", "is of nothing in this project"),))
    return Row(pk, 201 if done.created else 200, done.review)


def _fields(item: object) -> dict[str, Any]:
    """Raises InvalidValue."""
    if not isinstance(item, Mapping):
        raise InvalidValue("item", "must be an object")
    for name in item:
        if name not in FIELDS and name != "judgement":
            known = ", ".join(sorted({"judgement", *FIELDS}))
            raise InvalidValue(str(name)[:100], "unknown field; there are: {known}", known=known)
    for name in ("judgement", "decision"):
        if name not in item:
            raise InvalidValue(name, "is missing")
    checks = Checks()
    checks.of(clean_integer, "judgement", item["judgement"], low=0, high=BIGINT_MAX)
    checks.of(clean_integer, "seen", item.get("seen", 0), low=0, high=BIGINT_MAX)
    checks.of(clean_choice, "decision", item["decision"], Review.Decision.values)
    checks.of(clean_text, "note", item.get("note", ""), max_chars=MAX_NOTE)
    checks.of(clean_text, "rationale", item.get("rationale", ""), max_chars=MAX_RATIONALE)
    checks.end()
    return dict(item)
