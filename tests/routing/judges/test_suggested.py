"""Judges' suggestions at people's seats: shown, decided on, kept, exported, counted."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotate.models import Draft, GoldCheck, Judge, Judgement, Seat, Task
from annotate.reports.agreement import agreement
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.exports import ExportOptions, stream_export
from annotate.services.people.standing import set_rules
from annotate.services.people.tokens import issue_token
from annotate.services.work.gold import set_gold
from annotate.suggestions import is_blind
from routing.models import Suggestion
from routing.reports.suggestion import Decisions, decisions
from tests.annotate.judged_by_many import computed

pytestmark = pytest.mark.django_db

CSRF = r'(CSRFToken": |csrfmiddlewaretoken" value=)"\w+"'
SETTINGS = {"correction": False, "missing_types": [], "suggestions": True, "blind_percent": 0}


class Desk:
    """A task of marking spans with what a judge suggested, and a person at it."""

    def __init__(self, project, task: Task, user) -> None:
        self.project, self.task, self.user = project, task, user
        self.pks = list(task.places.order_by("position").values_list("response", flat=True))
        self.client = Client()
        self.client.force_login(user)
        _, secret = issue_token(user=user, scopes=["read", "annotate", "manage"])
        self.rest = Client(headers={"Authorization": f"Token {secret}"})

    def mark(self, start: int, end: int, **more) -> dict:
        place = {"response": self.pks[0], "part": 0, "start": start, "end": end}
        return {**place, "type": "irrelevant", **more}

    def suggest(self, *marks: dict, name: str = "Big", version: int = 1) -> Suggestion:
        judge, _ = Judge.objects.get_or_create(
            project=self.project, name=name, version=version, kind="openai"
        )
        value = {"marks": list(marks), "missing": [], "corrected": {}, "no_error": not marks}
        return Suggestion.objects.create(judge=judge, task=self.task, kind="spans", value=value)

    def page(self) -> str:
        answer = self.client.get(reverse("work", args=[self.project.pk]))
        assert answer.status_code == 200
        return answer.content.decode()

    def shown(self) -> list | None:
        """What the page's script gets; None where the page knows of no suggestion."""
        found = re.search(r'data-suggestions="([^"]*)"', self.page())
        return json.loads(unescape(found[1])) if found else None

    def submit(self, value: dict):
        [seat] = Seat.objects.filter(annotator=self.user, state="leased")
        return self.client.post(
            reverse("submit_judgement", args=[self.project.pk, seat.pk]),
            {"answer": json.dumps(value)},
            headers={"Accept": "application/json"},
        )

    def send(self, method: str, path: str, body: object = None):
        data = "" if body is None else json.dumps(body)
        return self.rest.generic(method, f"/api/v1/{path}", data, "application/json")

    def next(self) -> dict:
        return self.send("GET", f"projects/{self.project.pk}/next/").json()


@pytest.fixture
def make_desk(make_project, make_pair_tasks):
    """make_desk(gold=None, overlap=1, **settings) -> a Desk, the owner's."""

    def make(gold: dict | None = None, overlap: int = 1, **settings) -> Desk:
        project = make_project(kind="spans", kind_settings=SETTINGS | settings, overlap=overlap)
        [task] = make_pair_tasks(project, 1, gold=gold)
        return Desk(project, task, project.created_by)

    return make


def of(suggestion: Suggestion, place: int = 0) -> dict:
    return {"suggested": [{"id": suggestion.pk, "mark": place}]}


def test_what_was_made_of_each_mark_is_kept_shown_again_and_exported(make_desk):
    desk = make_desk()
    marks = [desk.mark(0, 6), desk.mark(7, 8, note="<b>why</b>"), desk.mark(9, 11)]
    made = desk.suggest(*marks)
    [shown] = desk.shown()
    assert (shown["id"], shown["judge"]) == (made.pk, "Big v1")
    assert shown["marks"] == [{"mark": at, **mark} for at, mark in enumerate(marks)]
    kept = desk.mark(0, 6, **of(made))
    changed = desk.mark(7, 11, note="<b>why</b>", **of(made, 1))
    seen = [{"id": made.pk, "dismissed": [2]}]
    assert desk.submit({"marks": [changed, kept], "suggestions": seen}).status_code == 200
    judgement = Judgement.objects.get()
    told = {"accepted": [0], "changed": [1], "dismissed": [2], "undecided": []}
    assert judgement.value["suggestions"] == [{"id": made.pk, "judge": "Big v1", **told}]
    assert judgement.value["marks"] == [kept, changed]
    [raw] = export(desk.project, "raw")
    assert raw["value"] == judgement.value
    assert export(desk.project, "raw", suggested="unaided") == []
    [row, _] = export(desk.project, "fine_grained")
    assert [error["suggested"] for error in row["feedback"]["errors"]] == [
        [{"judge": "Big v1", "done": "accepted"}],
        [{"judge": "Big v1", "done": "changed"}],
    ]
    # Changing the answer shows what it tells of, and no suggestion that came later.
    desk.suggest(desk.mark(0, 2), name="Late")
    url = reverse("revise_judgement", args=[desk.project.pk, judgement.pk])
    page = desk.client.get(url).content.decode()
    assert "Big v1" in page
    assert "Late v1" not in page
    again = desk.send(
        "POST", f"judgements/{judgement.pk}/revise/", {"value": {**judgement.value, "marks": []}}
    )
    assert again.status_code == 400
    dismissed = {"no_error": True, "suggestions": [{"id": made.pk, "dismissed": [0, 1, 2]}]}
    again = desk.send("POST", f"judgements/{judgement.pk}/revise/", {"value": dismissed})
    assert again.json()["value"]["suggestions"][0]["dismissed"] == [0, 1, 2]
    assert decisions(made.judge) == Decisions(1, 0, 0, 3, 0, share=0.0)


def export(project, format: str, **filters) -> list[dict]:
    chunks = stream_export(
        project=project,
        format=format,
        options=ExportOptions(),
        filters=ExportFilters(**filters),
    )
    return [json.loads(line) for line in b"".join(chunks).splitlines()]


@pytest.mark.parametrize("without", [{"suggestions": False}, {"blind_percent": 100}])
def test_nobody_sees_them_unless_the_manager_wants_it_nor_on_blind_seats(make_desk, without):
    desk = make_desk(**without)
    made = desk.suggest(desk.mark(0, 6))
    assert not desk.shown()
    assert not re.search(r"\bBig\b", desk.page())  # the form's token may hold these letters
    assert desk.next()["suggestions"] == []
    answer = desk.submit({"marks": [desk.mark(0, 6, **of(made))]})
    assert answer.status_code == 400
    assert answer.json()["field"].startswith("value.marks.0.suggested")
    assert desk.submit({"no_error": True}).status_code == 200
    assert len(export(desk.project, "raw", suggested="unaided")) == 1
    path = f"projects/{desk.project.pk}/export/?format=raw&suggested="
    assert desk.send("GET", f"{path}unaided").getvalue().count(b"\n") == 1
    assert desk.send("GET", f"{path}never").status_code == 400
    told = Judgement.objects.get().value.get("suggestions")
    assert told == (None if without == {"suggestions": False} else [])


def test_a_hidden_item_shows_them_as_any_task_does_and_its_answers_count_for_no_figure(
    make_desk, make_user, add_member, make_pair_tasks
):
    """Page and REST are the same but for numbers; what is made of them there checks the person."""
    desk = make_desk()
    [other] = make_pair_tasks(desk.project, 1)
    for task in (desk.task, other):
        at = Desk(desk.project, task, desk.user)
        at.suggest(at.mark(0, 6))
    known = {"marks": [{**at.mark(0, 6), "response": at.pks[0]}]}
    set_gold(task=other, actor=desk.user, value=known, use="hidden")
    set_rules(project=desk.project, actor=desk.user, gold_percent=50)
    ann = make_user("ann")
    add_member(desk.project, ann)
    seen = {}
    for _ in range(2):
        one = Desk(desk.project, desk.task, ann)
        page, body = one.page(), one.next()
        [made] = body["suggestions"]
        [mark] = made["marks"]
        seen[body["task"]] = (unnumbered(page), unnumbered(json.dumps(body)))
        kept = {name: mark[name] for name in ("response", "part", "start", "end", "type")}
        value = {"marks": [kept | {"suggested": [{"id": made["id"], "mark": mark["mark"]}]}]}
        assert one.submit(value).status_code == 200
    assert set(seen) == {desk.task.pk, other.pk}
    assert seen[desk.task.pk] == seen[other.pk]
    [check] = GoldCheck.objects.all()
    assert (check.task_id, check.right) == (other.pk, True)
    judge = Judge.objects.get()
    assert decisions(judge) == Decisions(1, 1, 0, 0, 0, share=1.0)
    assert len(export(desk.project, "raw")) == 1


def unnumbered(text: str) -> str:
    """Without numbers, and without the token that every page has a new one of."""
    return re.sub(r"[\d.,:+-]+", "", re.sub(CSRF, "", text))


def test_blind_seats_are_a_share_drawn_once():
    for percent in (0, 20, 100):
        blind = sum(is_blind(pk, percent) for pk in range(1, 20_001))
        assert blind / 200 == pytest.approx(percent, abs=1)
    assert all(is_blind(pk, 40) for pk in range(1, 1000) if is_blind(pk, 20))


def test_over_rest_the_seat_comes_with_them_and_gives_the_decisions_back(make_desk):
    desk = make_desk(decide_suggestions=True)
    made = desk.suggest(desk.mark(0, 6), desk.mark(7, 8, type="ugly"))
    body = desk.next()
    assert body["suggestions"] == [
        {"id": made.pk, "judge": "Big v1", "marks": [{"mark": 0, **desk.mark(0, 6)}]}
    ]
    path = f"seats/{body['seat']}/judgement/"
    # Given with the seat, it must be decided on, whether or not the answer tells of it.
    for told in ({}, {"suggestions": []}, {"suggestions": [{"id": made.pk}]}):
        refused = desk.send("POST", path, {"value": {"no_error": True, **told}})
        assert refused.status_code == 400
        assert "1 of Big v1 undecided" in refused.content.decode()
    value = {"no_error": True, "suggestions": [{"id": made.pk, "dismissed": [0]}]}
    taken = desk.send("POST", path, {"value": value, "idempotency_key": "k"})
    assert taken.status_code == 201
    again = desk.send("POST", path, {"value": value, "idempotency_key": "k"})
    assert (again.status_code, again.json()) == (200, taken.json())
    found = desk.send("GET", f"projects/{desk.project.pk}/judges/{made.judge_id}/decisions/").json()
    assert found["dismissed"] == found["answers"] == 1
    assert (found["share"], found["low"]) == (0.0, None)


def test_what_comes_after_the_task_was_handed_out_holds_no_answer_up(make_desk):
    """Nor does a newer version, which takes the older one's place on pages opened from then on."""
    desk = make_desk(decide_suggestions=True)
    older = desk.suggest(desk.mark(0, 6))
    assert [one["id"] for one in desk.shown()] == [older.pk]
    newer = desk.suggest(desk.mark(0, 2), version=2)
    Seat.objects.update(leased_at=timezone.now() - timedelta(minutes=1))
    assert [one["id"] for one in desk.shown()] == [newer.pk]
    value = {"marks": [desk.mark(0, 6, **of(older))], "suggestions": [{"id": older.pk}]}
    assert desk.submit(value).status_code == 200
    assert [one["id"] for one in Judgement.objects.get().value["suggestions"]] == [older.pk]


def test_a_draft_keeps_the_decisions_and_pages_without_scripts_are_told(make_desk):
    desk = make_desk()
    made = desk.suggest(desk.mark(0, 6))
    desk.suggest(name="Calm")
    page = desk.page()
    assert "which is not shown without it" in page
    assert "no error found" in page
    [seat] = Seat.objects.filter(annotator=desk.user)
    draft = {"marks": [], "suggestions": [{"id": made.pk, "dismissed": [0]}]}
    saved = desk.client.post(
        reverse("save_draft", args=[desk.project.pk, seat.pk]),
        json.dumps({"fields": {"answer": json.dumps(draft)}}),
        content_type="application/json",
    )
    assert saved.status_code == 204
    assert Draft.objects.count() == 1
    found = re.search(r'name="answer" value="([^"]+)"', desk.page())
    assert json.loads(unescape(found[1])) == draft


def test_the_judges_page_tells_what_people_made_of_its_marks(make_desk):
    desk = make_desk()
    made = desk.suggest(desk.mark(0, 6), desk.mark(7, 8))
    url = reverse("judge", args=[made.judge_id])
    assert "Nobody has been shown its marks yet" in desk.client.get(url).content.decode()
    desk.page()
    seen = [{"id": made.pk, "dismissed": [1]}]
    assert desk.submit({"marks": [desk.mark(0, 6, **of(made))], "suggestions": seen})
    page = desk.client.get(url).content.decode()
    assert re.search(r"<strong>50 %</strong><span>accepted as suggested", page)


def test_agreement_can_leave_out_what_was_suggested(make_desk, make_user, add_member):
    """Three people: two take up the same suggestion, and each of these marks words of their own;
    the third was shown none, and marks those of the first.
    """
    desk = make_desk(overlap=3)
    made = desk.suggest(desk.mark(0, 6))
    said = [(0, 6, of(made)), (7, 8, {})], [(0, 6, of(made)), (9, 11, {})], [(7, 8, {})]
    for number, marks in enumerate(said):
        user = make_user(f"ann{number}")
        add_member(desk.project, user)
        one = Desk(desk.project, desk.task, user)
        one.page()
        value = {"marks": [one.mark(start, end, **more) for start, end, more in marks]}
        assert one.submit(value).status_code == 200
    found = agreement(desk.project)
    assert (found.tasks, found.judgements) == (1, 3)
    # Shared characters: 2 · 6 / (7 + 8), 2 · 1 / (7 + 1), none.
    assert found.percent == pytest.approx(100 * (12 / 15 + 2 / 8 + 0) / 3)
    without = agreement(desk.project, "leave_out")
    assert without.percent == pytest.approx(100 * (0 + 1 + 0) / 3)
    assert agreement(desk.project, "unaided").tasks == 0
    assert computed(desk.project)["aided"] == 2
    quality = desk.client.get(reverse("quality", args=[desk.project.pk])).content.decode()
    assert '?habit=aided">2 answers</a> are of people who were shown' in quality
    path = f"projects/{desk.project.pk}/agreement/"
    assert desk.send("GET", f"{path}?suggested=leave_out").json()[
        "percent_agreement"
    ] == pytest.approx(1 / 3)
    assert desk.send("GET", f"{path}?suggested=never").status_code == 400
    assert (
        "shown no suggestions"
        in desk.client.get(reverse("overview", args=[desk.project.pk])).content.decode()
    )
