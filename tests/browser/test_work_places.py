"""Any number of responses, and questions that stand under them or beside them."""

from types import SimpleNamespace

import pytest
from django.template import engines
from playwright.sync_api import expect

from annotate import kinds
from annotate.models import Judgement, Task, TaskResponse
from annotate.models.content import Prompt, Response, content_hash, split_bucket
from annotate.pages import questions
from annotate.pages.kinds import PAGE_PARTS
from annotate.services.projects import create_project
from annotate.services.work.tasks import open_seats
from tests.browser.contents import wait_for_draft
from tests.browser.desk import PHONE, open_desk, option, reload

OVERALL = {"name": "overall", "title": "Which is better?", "kind": "pairwise"}


class Marks:
    """A stand-in kind: a number of points for each response, natively, or as one JSON field."""

    NAME, SCHEMA_VERSION, RESPONSES, NEEDS_CONTENT = "marks", 1, (1, 10), False

    def clean_settings(self, raw):
        return kinds.parts.pairwise.PairwiseSettings()

    def clean_value(self, raw, *, shown, settings, rationale=""):
        wanted = {str(pk) for pk in shown.response_ids}
        if set(raw) != wanted:
            raise kinds.InvalidValue("value", f"must be of {sorted(wanted)}")
        return raw

    def pairs(self, value, response_ids):
        return []

    def distance(self, a, b, response_ids):
        return 0.0


TEMPLATES = {
    "marks": '<label>Points for {{ response.letter }} <input type="number" '
    'name="{{ part.prefix }}.{{ response.pk }}" value="{{ points }}" min="1" max="5" '
    "{% if part.required %}required{% endif %}></label>",
    "side": "<p>Points count <b>twice</b>.</p>",
}


@pytest.fixture
def marks(monkeypatch):
    """The stand-in kind with native fields under each response and a note in the side panel."""

    def context(settings, task, value):
        given = value if isinstance(value, dict) else {}
        return {"by_response": {r.pk: {"points": given.get(str(r.pk), "")} for r in task.responses}}

    def read(post, prefix):
        below = f"{prefix}."
        found = {name.removeprefix(below): post[name] for name in post if name.startswith(below)}
        return {pk: points for pk, points in found.items() if points} or None

    part = SimpleNamespace(
        TITLE="Points",
        TEMPLATE=None,
        RESPONSE_TEMPLATE="marks",
        SIDE_TEMPLATE="side",
        SCRIPT=None,
        STYLES=(),
        MARKS_TEXT=False,
        context=context,
        read=read,
    )
    kind = Marks()
    monkeypatch.setitem(kinds.PARTS, "marks", kind)
    monkeypatch.setitem(kinds.KINDS, "marks", kind)
    monkeypatch.setitem(PAGE_PARTS, "marks", part)
    get_template = questions.get_template
    made = {name: engines["django"].from_string(text) for name, text in TEMPLATES.items()}
    monkeypatch.setattr(
        questions, "get_template", lambda name: made.get(name) or get_template(name)
    )


@pytest.fixture
def many(ada, marks):
    """many(count, settings=None) -> a project with one task of so many responses."""

    def make(count: int, kind: str = "marks", settings: dict | None = None):
        project = create_project(actor=ada, name="Many", kind=kind, kind_settings=settings or {})
        conversation = [{"role": "user", "content": "Which?"}]
        digest = content_hash("", conversation)
        prompt = Prompt.objects.create(
            project=project,
            conversation=conversation,
            content_hash=digest,
            split_bucket=split_bucket(digest, project.seed),
        )
        task = Task.objects.create(project=project, prompt=prompt, dedup_key="k", overlap=1)
        for number in range(count):
            text = f"Answer {number}. " + "It says more and more. " * 40 * number
            response = Response.objects.create(
                prompt=prompt,
                content=[{"type": "text", "text": text}],
                content_hash=content_hash(text),
            )
            TaskResponse.objects.create(task=task, response=response, position=number)
        open_seats(tasks=[task])
        return project

    return make


@pytest.mark.parametrize("count", [1, 3, 4, 10])
@pytest.mark.parametrize("options", [{}, PHONE])
def test_any_number_of_responses_stands_equal(open_browser, ada, many, count, options):
    project = many(count)
    page = open_browser(ada, **options)
    open_desk(page, project)
    boxes = [one.bounding_box() for one in page.locator(".column").all()]
    assert len(boxes) == count
    assert len({(round(box["width"]), round(box["y"])) for box in boxes}) == 1
    assert boxes[0]["width"] > 200
    wide = options or {"viewport": {"width": 1280}}
    assert page.evaluate("document.documentElement.scrollWidth") <= wide["viewport"]["width"]
    page.keyboard.press("Shift+KeyA" if count < 3 else "Shift+KeyC")
    expect(page.locator("#response-A" if count < 3 else "#response-C")).to_be_focused()


def test_native_fields_under_the_responses_need_no_script(open_browser, ada, many):
    project = many(3)
    page = open_browser(ada)
    open_desk(page, project)
    page.get_by_label("Points for A").fill("5")
    page.get_by_label("Points for B").fill("9")
    page.get_by_label("Points for C").fill("1")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".problem")).to_be_visible()
    assert not Judgement.objects.exists()
    page.get_by_label("Points for B").fill("2")
    wait_for_draft(page)
    page.evaluate("localStorage.clear()")
    reload(page)
    expect(page.get_by_label("Points for B")).to_have_value("2")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    judgement = Judgement.objects.get()
    assert [judgement.value[str(pk)] for pk in judgement.shown_order] == ["5", "2", "1"]


def test_a_question_about_the_loser_alone(open_browser, ada, many):
    about_loser = {
        "name": "why",
        "kind": "marks",
        "responses": {"of": "overall", "side": "rejected"},
    }
    project = many(2, "form", {"questions": [OVERALL, about_loser]})
    page = open_browser(ada)
    open_desk(page, project)
    expect(page.get_by_label("Points for A")).to_be_hidden()
    expect(page.get_by_text("Points count twice.")).to_be_hidden()
    option(page, "A is better").check()
    expect(page.get_by_label("Points for A")).to_be_hidden()
    page.get_by_label("Points for B").fill("2")
    option(page, "B is better").check()
    expect(page.get_by_label("Points for B")).to_be_hidden()
    page.get_by_label("Points for A").fill("3")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    judgement = Judgement.objects.get()
    loser = judgement.shown_order[0]
    assert judgement.value["answers"]["why"] == {str(loser): "3"}
