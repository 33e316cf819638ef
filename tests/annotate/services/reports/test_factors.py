"""Factor reports: what is read, what is kept, and how a run ends."""

import pytest

from annotate import tasks
from annotate.kinds import InvalidValue
from annotate.models import AuditEvent, FactorRun, JobState, Membership
from annotate.services import jobs
from annotate.services.reports import factors
from annotate.services.reports.factor_votes import clean_rules, gather
from tests.annotate.voting import add_task, converse, judge, prefer


@pytest.fixture
def people(make_user):
    return [make_user(f"p{number}") for number in range(4)]


@pytest.fixture
def project(make_project, make_user, add_member, people):
    """Three prefer the longer answer and one the shorter one; half are of German prompts."""
    project = make_project(owner=make_user("owner"))
    for at, person in enumerate(people):
        add_member(project, person, "reviewer" if at == 3 else "annotator")
    for number in range(40):
        task = add_task(project, "a", "b", language="de" if number % 2 else "en")
        for at, person in enumerate(people):
            prefer(task, 0 if (at == 3) ^ (number % 10 == 0) else 1, annotator=person)
    return project


def reckoned(project, **rules) -> FactorRun:
    run = factors.start_factors(project=project, actor=project.created_by, rules=clean_rules(rules))
    tasks.compute_factors(run.pk)
    return FactorRun.objects.get(pk=run.pk)


def test_a_report_tells_what_people_choose_by(project, people) -> None:
    run = reckoned(project, by="language")
    assert run.state == JobState.DONE, run.message
    result = run.result
    assert (result["ballots"], result["clusters"], result["clusters_of"]) == (160, 40, "prompts")
    assert result["counts"] == {"judgements": 160, "votes": 160, "authors": 4, "prompts": 40}
    length, place = result["factors"]
    assert (length["name"], place["name"]) == ("length", "position")
    assert length["share"]["share"] == pytest.approx((3 * 36 + 4 + 0) / 160)
    assert length["together"]["effect"] > 0
    assert length["spread"] > 0.5
    assert len(length["examples"]["chosen"]) == 5
    assert {one["name"] for one in result["categories"]} == {"de", "en"}
    assert [(one["sort"], one["name"], one["people"]) for one in result["groups"]] == [
        ("role", "annotator", 3)
    ]  # the reviewer's forty votes are too few
    by_person = {tuple(one["author"]): one["effects"][0] for one in result["people"]}
    assert by_person["person", people[3].pk]["effect"] < 0
    assert by_person["person", people[3].pk]["differs"]
    assert by_person["person", people[0].pk]["effect"] > 0
    assert "refusal" in result["rare"]


def test_a_refusal_that_is_turned_down_is_found(make_project, people) -> None:
    project = make_project()
    for number in range(20):
        task = add_task(project, "I'm sorry, but I can't help with that.", "b")
        for person in people[:3]:
            prefer(task, 0 if number == 0 else 1, annotator=person)
    found = {one["name"]: one for one in reckoned(project).result["factors"]}
    assert found["refusal"]["share"]["share"] == pytest.approx(1 / 20)
    assert found["refusal"]["alone"]["high"] < 0


def test_what_compares_no_texts_is_counted_as_left_out(project, people) -> None:
    task = add_task(project, "a", "b")
    judge(task, {"verdict": "both_bad"}, annotator=people[0])
    talk = add_task(project)
    converse(talk, people[0], "a", "b")
    judge(
        talk,
        {"turns": {"0": {"preference": {"verdict": "prefer", "preferred": "A"}}}},
        kind="chat",
        annotator=people[0],
    )
    found = gather(project=project, rules=clean_rules({}))
    assert found.left_out == {"all_bad": 1, "conversation": 1}
    assert found.counts["votes"] == 160


def test_too_few_votes_make_a_report_without_effects(make_project, people) -> None:
    project = make_project()
    prefer(add_task(project, "a", "b"), 0, annotator=people[0])
    run = reckoned(project)
    assert run.state == JobState.DONE
    assert run.result["factors"] == []
    assert run.result["ballots"] == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [({"source": "x"}, "source"), ({"style": []}, "style"), ({"by": "metadata:"}, "by")],
)
def test_wrong_rules_are_refused(given, field) -> None:
    with pytest.raises(InvalidValue) as caught:
        clean_rules(given)
    assert caught.value.field == field


def test_a_run_that_is_asked_for_twice_is_one_and_can_be_stopped(project) -> None:
    owner = project.created_by
    run = factors.start_factors(project=project, actor=owner, rules=clean_rules({}))
    again = factors.start_factors(project=project, actor=owner, rules=clean_rules({}))
    assert again.pk == run.pk
    claimed = jobs.claim(FactorRun, run.pk, owner="somebody")
    factors.cancel_factors(run=claimed, actor=owner)
    FactorRun.objects.filter(pk=run.pk).update(state=JobState.QUEUED, cancel_requested=False)
    jobs.request_cancel(run)
    tasks.compute_factors(run.pk)
    run.refresh_from_db()
    assert run.state == JobState.CANCELLED
    actions = AuditEvent.objects.filter(project=project).values_list("action", flat=True)
    assert {"factors.queued", "factors.cancel_asked"} <= set(actions)
    assert Membership.objects.filter(project=project).count() == 5


def test_old_reports_go(project, monkeypatch) -> None:
    monkeypatch.setattr(factors, "KEPT_RUNS", 1)
    first, second = reckoned(project), reckoned(project)
    reckoned(project)
    kept = set(FactorRun.objects.values_list("pk", flat=True))
    assert first.pk not in kept
    assert second.pk in kept
