"""Unfinished answers; what two browsers entered for one task is kept beside each other.

The work page writes when it saved (`saved_at`, milliseconds of its clock), the `saved_at` of the
draft that it went on from (`follows`), and a name of its own (`page`). Drafts of other clients are
any JSON and replace each other.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from annotate.inputs import clean_json
from annotate.kinds import InvalidValue
from annotate.models import Draft, User
from annotate.services.work.seats import held_seat

# What may be answered may be kept: the request's own limit (DATA_UPLOAD_MAX_MEMORY_SIZE) is near.
MAX_DRAFT_BYTES = 4_900_000


def save_draft(*, seat_id: int, user: User, value: object) -> Mapping[str, Any] | None:
    """Keep an unfinished answer (any JSON).

    A work page's draft that does not follow the one that stands was entered in another browser:
    it takes that one's place and carries it along as `aside`. Returns what was set aside so, else
    None. Raises InvalidValue, SeatGone, Http404.
    """
    if value is None:
        raise InvalidValue("value", "is null; send what there is of the answer, such as {}")
    clean_json("value", value, max_bytes=MAX_DRAFT_BYTES)
    with transaction.atomic():
        seat = held_seat(seat_id=seat_id, user=user)  # Locked, so two browsers come one by one.
        draft = Draft.objects.filter(seat=seat, annotator=user).first()
        draft = draft or Draft(seat=seat, annotator=user)
        draft.value, parted = _beside(draft.value, value)
        draft.save()
    return parted


def saved_at(*, seat_id: int, user: User) -> float:
    """When the work page wrote the draft that stands, as it said; 0 without one of a work page."""
    drafts = Draft.objects.filter(seat_id=seat_id, annotator=user)
    stored = drafts.values_list("value", flat=True).first()
    return stored["saved_at"] if _is_of_page(stored) else 0


def _beside(stored: Any, value: Any) -> tuple[Any, Mapping[str, Any] | None]:
    """What to store in place of `stored`, and what of it is set aside just now."""
    if not (_is_of_page(stored) and _is_of_page(value) and "follows" in value):
        return value, None
    parted = dict(stored)
    before = {"aside": parted.pop("aside")} if "aside" in parted else {}
    follows = value["follows"] == stored["saved_at"] or value["fields"] == stored["fields"]
    is_own = "page" in value and value["page"] == stored.get("page")  # Its receipt was lost.
    if follows or is_own or _is_blank(stored):
        return before | value, None
    return value | {"aside": parted}, parted


def _is_of_page(draft: Any) -> bool:
    if not isinstance(draft, Mapping) or not isinstance(draft.get("fields"), Mapping):
        return False
    return isinstance(draft.get("saved_at"), int | float)


def _is_blank(draft: Mapping[str, Any]) -> bool:
    """Whether nothing was chosen or written."""
    given = draft["fields"].values()
    return not any(any(texts) if isinstance(texts, list) else texts for texts in given)
