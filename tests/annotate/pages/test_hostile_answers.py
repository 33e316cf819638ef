"""Markup in every text that an annotator writes stays text on every page; a huge one is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from annotate.models import Judgement, Project, Seat
from annotate.seat_numbers import number_of
from tests.browser.asked import CRITERIA, EVERY, THREE, TREE, Asked
from tests.browser.contents import make_project

pytestmark = pytest.mark.django_db

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>"
SPANS = {
    "types": [{"name": "wrong", "title": ATTACK, "correction": True}],
    "missing_types": [{"name": "left_out", "title": ATTACK}],
    "severities": [],
}
MARK = {"part": 0, "start": 0, "end": 5, "type": "wrong", "note": ATTACK, "replacement": ATTACK}


def by_criteria(ids: list[int]) -> dict[str, Any]:
    said = {"verdict": "tie", "confidence": "fairly"}
    each = {**said, "own_reason": ATTACK}
    return {**said, "criteria": {"helpful": each, "harmless": each}}


def in_each(ids: list[int], entry: dict[str, Any]) -> dict[str, Any]:
    return {str(pk): entry for pk in ids}


WRITTEN: dict[str, tuple[str, dict, Callable[[list[int]], dict]]] = {
    "criteria": ("pairwise", CRITERIA, by_criteria),
    "ranking": (
        "ranking",
        {"modes": ["full"], "allow_unrankable": True},
        lambda ids: {
            "verdict": "full",
            "tiers": [[pk] for pk in ids[:-1]],
            "unrankable": {str(ids[-1]): ATTACK},
        },
    ),
    "spans": (
        "spans",
        SPANS,
        lambda ids: {
            "marks": [{**MARK, "response": pk} for pk in ids],
            "missing": [{"response": pk, "type": "left_out"} for pk in ids],
            "corrected": {str(pk): ATTACK for pk in ids},
        },
    ),
    "steps": (
        "steps",
        {},
        lambda ids: {"labels": in_each(ids, [-1]), "critiques": in_each(ids, {"0": ATTACK})},
    ),
    "critique": (
        "critique",
        {"refinement": "optional"},
        lambda ids: {"responses": in_each(ids, {"critique": ATTACK, "refined": ATTACK})},
    ),
    "labels": (
        "labels",
        {"tree": [{**TREE[1], "title": ATTACK}]},
        lambda ids: {"labels": ["style"]},
    ),
}
TEXTS = [f"{number} {ATTACK}" for number in range(3)]


@pytest.mark.parametrize("name", WRITTEN)
def test_markup_stays_text(client, ada, name: str) -> None:
    kind, settings, answer = WRITTEN[name]
    texts = TEXTS if kind == "ranking" else TEXTS[:2]
    project = make_project(ada, kind, settings, (f"Why? {ATTACK}", texts))
    project.name = f"Name {ATTACK}"
    project.guidelines = ATTACK
    project.save()
    client.force_login(ada)
    begun = client.get(reverse("work", args=[project.pk]))
    ids = sorted(project.tasks.get().responses.values_list("pk", flat=True))
    seat = Seat.objects.get(state="leased")
    draft = {"fields": {"rationale": [ATTACK], "flag": [ATTACK]}}
    kept = client.post(reverse("save_draft", args=[project.pk, seat.pk]), draft, "application/json")
    assert kept.status_code == 204
    body = {"value": answer(ids), "rationale": ATTACK, "flag": ATTACK}
    made = client.post(f"/api/v1/seats/{number_of(seat.pk)}/judgement/", body, "application/json")
    assert made.status_code == 201, made.content
    judgement = Judgement.objects.get()
    addresses = [
        reverse("revise_judgement", args=[project.pk, judgement.pk]),
        reverse("task", args=[judgement.task_id]),
        *(
            reverse(page, args=[project.pk])
            for page in ("overview", "tasks", "people", "audit", "settings", "quality")
        ),
        reverse("preview_project_form", args=[project.pk]),
        reverse("home"),
    ]
    pages = [begun, *(client.get(address) for address in addresses)]
    assert [page.status_code for page in pages] == [200] * len(pages)
    for page in pages:
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
    assert "&lt;script&gt;alert" in pages[1].text, "what was written comes back"


@pytest.mark.parametrize("asked", EVERY, ids=lambda asked: asked.name)
def test_a_rationale_of_a_megabyte_is_refused_by_its_field(client, ada, asked: Asked) -> None:
    project: Project = asked.project(ada, tasks=1)
    client.force_login(ada)
    client.get(reverse("work", args=[project.pk]))
    seat = Seat.objects.get(state="leased")
    body = {"value": {"verdict": "tie"}, "rationale": "x" * 2**20}
    refused = client.post(
        f"/api/v1/seats/{number_of(seat.pk)}/judgement/", body, "application/json"
    )
    assert refused.status_code == 400
    assert [one["field"] for one in refused.json()["errors"]] == ["rationale"]
    assert "1048576 characters" in refused.json()["detail"]
    assert not Judgement.objects.exists()


def test_a_response_twice_in_an_order_is_refused_by_its_place(client, ada) -> None:
    project = make_project(ada, "ranking", {"modes": ["full"]}, ("Why?", THREE))
    client.force_login(ada)
    client.get(reverse("work", args=[project.pk]))
    first, second, _third = project.tasks.get().responses.values_list("pk", flat=True)
    value = {"verdict": "full", "tiers": [[first], [second, first]]}
    seat = Seat.objects.get(state="leased")
    address = f"/api/v1/seats/{number_of(seat.pk)}/judgement/"
    refused = client.post(address, {"value": value}, "application/json")
    assert refused.json()["errors"][0]["field"] == "value.tiers.1.1"
