"""Known answers that files bring along: `gold` of prompts with their responses, and of tables."""

import pytest

from annotate.handout import lease_seat
from annotate.models import GoldCheck, GoldItem, Judgement, Seat, Task
from annotate.services.work.judgements import submit_judgement
from tests.annotate.services.sending import outcome, send

pytestmark = pytest.mark.django_db

ROW = {"id": "q1", "prompt": "2 + 2?", "responses": ["4", "5"]}
RATING = {"criteria": [{"name": "truth", "title": "Truth", "scale": {"type": "likert"}}]}
FORM = {
    "questions": [
        {"name": "which", "kind": "pairwise", "title": "Which?", "settings": {}},
        {"name": "how", "kind": "rating", "title": "How?", "settings": RATING},
    ]
}


def known(project, gold, **row) -> GoldItem:
    report = send(project, [{**ROW, **row, "gold": gold}], format="responses")
    assert outcome(report)[3] == 0, report.errors
    assert report.counts["known_answers"] == 1
    assert Seat.objects.count() == 0
    return GoldItem.objects.select_related("task").get()


def texts(item: GoldItem) -> dict[int, str]:
    return {one.pk: one.text for one in item.task.responses.all()}


def test_a_position_is_what_is_preferred(make_project):
    item = known(make_project(overlap=2), 0)
    assert (item.use, item.origin, item.explanation) == ("hidden", "imported", "")
    assert (item.task.gold["verdict"], item.task.overlap) == ("prefer", 0)
    assert texts(item)[item.task.gold["preferred"]] == "4"


def test_how_it_is_used_stands_beside_it(make_project):
    gold = {"verdict": "tie", "explanation": "**Both**", "use": "training", "tolerance": 0.5}
    item = known(make_project(), gold)
    assert item.task.gold == {"verdict": "tie"}
    assert (item.use, item.explanation, item.tolerance) == ("training", "**Both**", 0.5)


@pytest.mark.parametrize(
    ("kind", "kind_settings", "gold", "wanted"),
    [
        ("ranking", {}, {"ranking": [1, 0]}, lambda a, b: {"tiers": [[b], [a]]}),
        ("rating", RATING, {"value": {"ratings": {"0": {"truth": 5}, "1": {"truth": 1}}}},
         lambda a, b: {"ratings": {str(a): {"truth": 5}, str(b): {"truth": 1}}}),
        ("spans", {"types": [{"name": "wrong", "title": "Wrong"}]},
         {"value": {"marks": [{"response": 1, "start": 0, "end": 1, "type": "wrong"}]}},
         lambda a, b: {"marks": [
             {"response": b, "part": 0, "start": 0, "end": 1, "type": "wrong"}]}),
        ("form", FORM, {"value": {"answers": {"which": {"verdict": "prefer", "preferred": 0}}}},
         lambda a, b: {"answers": {
             "which": {"verdict": "prefer", "preferred": a, "strength": 1}}}),
        ("form", FORM, 0, lambda a, b: {"answers": {
            "which": {"verdict": "prefer", "preferred": a, "strength": 1}}}),
    ],
    ids=["ranking", "rating", "spans", "form", "form by position"],
)  # fmt: skip
def test_every_kind_has_its_own(make_project, kind, kind_settings, gold, wanted):
    from annotate.services.projects import create_project

    owner = make_project().created_by
    project = create_project(actor=owner, name="K", kind=kind, kind_settings=kind_settings)
    item = known(project, gold)
    a, b = sorted(texts(item), key=lambda pk: texts(item)[pk])
    for name, value in wanted(a, b).items():
        assert item.task.gold[name] == value


@pytest.mark.parametrize(
    ("gold", "field"),
    [
        (2, "gold"),
        ("perhaps", "gold"),
        ({}, "gold"),
        ({"value": {"verdict": "tie"}, "preferred": 1}, "gold"),
        ({"value": [1]}, "gold.value"),
        ({"value": {"verdict": "prefer", "preferred": 7}}, "gold.value.preferred"),
        ({"verdict": "tie", "use": "never"}, "gold.use"),
        ({"verdict": "tie", "tolerance": 2}, "gold.tolerance"),
        ({"verdict": "tie", "explanation": 3}, "gold.explanation"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(make_project, gold, field):
    report = send(make_project(), [{**ROW, "gold": gold}], format="responses")
    assert outcome(report)[3] == 1
    assert report.errors[0].field == field
    assert not GoldItem.objects.exists()


def test_a_table_has_columns_for_it(make_project):
    project = make_project()
    data = (
        b"prompt,response_a,response_b,gold,gold_use,gold_explanation\n"
        b"p,x,y,b,attention,Read it.\n"
        b'q,x,y,"{""verdict"": ""tie"", ""use"": ""quiz""}",,\n'
        b"r,x,y,,,\n"
    )
    report = send(project, [], format="table", data=data, labels="tasks")
    assert outcome(report) == (3, 0, 0, 0)
    first, second = GoldItem.objects.select_related("task").order_by("task")
    assert (first.use, first.explanation) == ("attention", "Read it.")
    assert texts(first)[first.task.gold["preferred"]] == "y"
    assert (second.use, second.task.gold) == ("quiz", {"verdict": "tie"})
    assert Seat.objects.exclude(task__gold_item=None).count() == 0
    assert Seat.objects.count() == 1


def test_sent_again_it_changes_what_differs_and_nothing_else(make_project):
    project = make_project()
    known(project, {"preferred": 0, "explanation": "Sum."})
    again = send(project, [{**ROW, "gold": {"preferred": 0}}], format="responses")
    assert (outcome(again), again.counts["known_answers"]) == ((0, 0, 1, 0), 0)
    changed = send(project, [{**ROW, "gold": "tie"}], format="responses")
    assert (outcome(changed), changed.counts["known_answers"]) == ((0, 1, 0, 0), 1)
    item = GoldItem.objects.select_related("task").get()
    assert (item.task.gold, item.explanation) == ({"verdict": "tie"}, "Sum.")
    # Without a known answer the row does not make ordinary work of it.
    plain = send(project, [ROW], format="responses", labels="tasks")
    assert (outcome(plain), Seat.objects.count()) == ((0, 0, 1, 0), 0)


def test_an_ordinary_task_that_comes_with_a_known_answer_is_withdrawn_from_people(
    make_project, add_member, make_user
):
    project = make_project(overlap=3)
    send(project, [ROW], format="responses", labels="tasks")
    ada = make_user("ada")
    add_member(project, ada)
    lease = lease_seat(project=project, user=ada)
    send(project, [{**ROW, "gold": 1}], format="responses")
    assert sorted(Seat.objects.values_list("state", flat=True)) == ["leased", "void", "void"]
    done = submit_judgement(seat_id=lease.seat_id, user=ada, value={"verdict": "tie"})
    assert not done.judgement.is_gold
    assert not GoldCheck.objects.exists()
    assert Task.objects.get().overlap == 0
    assert Judgement.objects.count() == 1


def test_labels_beside_it_are_kept_aside(make_project):
    project = make_project()
    report = send(project, [{**ROW, "gold": 1, "label": 0}], format="responses")
    assert report.counts["judgements"] == 0
    assert report.counts["kept_aside"] == 1
