"""Kinds that look into contents get them, others cost no query."""

import pytest

from annotate import kinds
from annotate.forms import Form
from annotate.kinds.contract import Shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(make_project, make_pair_tasks):
    [task] = make_pair_tasks(make_project(), 1)
    task.context = {"criterion": "brevity"}
    task.save()
    task.prompt.passages = [{"title": "Rivers", "sentences": ["The Volga is long."]}]
    task.prompt.save()
    return task


class Looking:
    """Takes the answer for good and keeps what it was shown."""

    NAME, SCHEMA_VERSION, RESPONSES = "looking", 1, (1, 10)

    def __init__(self, needs_content: bool) -> None:
        self.NEEDS_CONTENT = needs_content

    def clean_settings(self, raw):
        return None

    def clean_value(self, raw, *, shown, settings, rationale=""):
        self.shown = shown
        return {}


def look(monkeypatch, task, *, needs_content: bool) -> Shown:
    kind = Looking(needs_content)
    monkeypatch.setitem(kinds.KINDS, "looking", kind)
    ids = list(task.responses.order_by("-pk").values_list("pk", flat=True))
    form = Form("looking", None)
    form.clean_value({}, task_id=task.pk, response_ids=ids, annotator_id=0, rationale="")
    assert list(kind.shown.response_ids) == ids
    return kind.shown


def test_contents_come_in_the_order_shown(monkeypatch, task):
    shown = look(monkeypatch, task, needs_content=True)
    contents = {response.pk: response.content for response in task.responses.all()}
    assert [list(response.parts) for response in shown.responses] == [
        contents[pk] for pk in shown.response_ids
    ]
    assert shown.responses[0].text_of(0, "value.part") == "Answer b to 0."
    assert shown.passages == ({"title": "Rivers", "sentences": ["The Volga is long."]},)
    assert shown.context == {"criterion": "brevity"}


def test_ids_alone_cost_no_query(monkeypatch, task, django_assert_num_queries):
    shown = look(monkeypatch, task, needs_content=False)
    assert [response.parts for response in shown.responses] == [(), ()]
    assert (shown.passages, shown.context) == ((), None)


def test_settings_are_read_from_text_and_from_json():
    assert Form.read("pairwise", '{"allow_tie": false}') == Form.read(
        "pairwise", {"allow_tie": False}
    )
