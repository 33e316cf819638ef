"""Signals: taken in once, counted by model version, exported as unpaired data, forgotten."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from annotate.inputs import InvalidValue
from annotate.models import AuditEvent, Judgement, Signal, SignalRules
from annotate.quality.intervals import wilson
from annotate.reports.signals import by_version, estimated_noise
from annotate.services.outgoing.signal_export import stream_signals
from annotate.services.signals.intake import take_signals
from annotate.services.signals.rules import remove_old, set_rules

pytestmark = pytest.mark.django_db
TEXT = {"prompt": "Why?", "completion": "Because.", "generator": "bot", "generator_version": "3"}


def lines(project) -> list[dict]:
    stream = stream_signals(project=project, signals=Signal.objects.filter(project=project))
    return [json.loads(line) for line in stream]


def test_good_rows_are_kept_bad_ones_told_known_ones_left_alone(make_project, make_pair_tasks):
    project = make_project()
    make_pair_tasks(project, 1)
    [elsewhere] = make_pair_tasks(make_project(), 1)
    stranger = elsewhere.responses.first().pk
    rows = [
        {"key": "1", "type": "thumbs_up", **TEXT},
        {"key": "1", "type": "thumbs_down", **TEXT},
        {"key": "2", "type": "applause", **TEXT},
        {"key": "3", "type": "love", "response": stranger},
        {"key": "4", "type": "edit", **TEXT},
        {"key": "5", "type": "copy", **TEXT, "happened_at": "2999-01-01T00:00:00Z"},
        {"key": "6", "type": "copy", **TEXT, "user": "x"},
        {"key": "7", "type": "copy", **TEXT, "prompt": [{"role": "robot", "content": "x"}]},
        "nothing",
    ]
    taken = take_signals(project=project, rows=rows)
    assert (taken.created, taken.known) == (1, 1)
    assert [(index, error.field) for index, error in taken.errors] == [
        (2, "type"),
        (3, "response"),
        (4, "edited"),
        (5, "happened_at"),
        (6, "user"),
        (7, "prompt.0.role"),
        (8, ""),
    ]
    again = take_signals(project=project, rows=rows[:1])
    assert (again.created, again.known) == (0, 1)
    assert Signal.objects.get().type == "thumbs_up"


def test_they_are_written_in_one_order(make_project):
    """Two batches with the same keys in other orders would wait for each other."""
    project = make_project()
    rows = [{"key": key, "type": "copy", **TEXT} for key in ("c", "a", "b")]
    take_signals(project=project, rows=rows)
    assert list(Signal.objects.order_by("pk").values_list("key", flat=True)) == ["a", "b", "c"]


@pytest.mark.parametrize("rows", [[], {}, None, [{}] * 1001])
def test_a_body_that_is_no_list_of_them_is_refused_whole(make_project, rows):
    with pytest.raises(InvalidValue, match="1 to 1000"):
        take_signals(project=make_project(), rows=rows)


def test_end_users_are_pseudonyms_that_tell_projects_apart(make_project):
    first, second = make_project(), make_project()
    for project in (first, second):
        rows = [
            {"key": str(n), "type": "love", **TEXT, "end_user": "zoe@example.com"} for n in range(2)
        ]
        take_signals(project=project, rows=rows)
    found = list(Signal.objects.order_by("pk").values_list("end_user", flat=True))
    assert found[0] == found[1] != found[2]
    assert "zoe" not in str(found)


def test_texts_that_the_project_has_become_its_responses(make_project, make_pair_tasks):
    project = make_project()
    [task] = make_pair_tasks(project, 1)
    response = task.responses.order_by("pk").first()
    text = {
        "prompt": task.prompt.conversation,
        "completion": response.text,
        "generator": response.generator,
    }
    rows = [
        {"key": "1", "type": "love", **text},
        {"key": "2", "type": "love", **text, "generator": "another"},
        {"key": "3", "type": "love", "response": response.pk},
    ]
    take_signals(project=project, rows=rows)
    found = {one.key: one.response_id for one in Signal.objects.all()}
    assert found == {"1": response.pk, "2": None, "3": response.pk}
    assert Signal.objects.get(key="3").generator == response.generator


def test_counts_by_model_version_with_an_interval(make_project):
    project = make_project()
    types = ["thumbs_up", "love", "thumbs_down", "follow_up"]
    rows = [{"key": str(n), "type": type, **TEXT} for n, type in enumerate(types)]
    rows.append({"key": "x", "type": "copy", **TEXT, "generator_version": "4"})
    take_signals(project=project, rows=rows)
    third, fourth = by_version(Signal.objects.filter(project=project), SignalRules().labels)
    assert (third.generator, third.version) == ("bot", "3")
    assert third.counts == dict.fromkeys(types, 1)
    assert (third.good, third.labelled) == (2, 3)
    assert third.interval == wilson(2, 3)
    assert (fourth.version, fourth.share) == ("4", 1.0)


def test_noise_is_what_people_contradict(make_project, make_pair_tasks, make_user):
    """Two thumbs up on preferred responses, one on another; of ties nothing is known."""
    project = make_project()
    tasks = make_pair_tasks(project, 4)
    for number, task in enumerate(tasks):
        first, second = task.responses.order_by("pk")
        preferred = {0: first.pk, 1: first.pk, 2: second.pk, 3: None}[number]
        value = {"preferred": preferred, "strength": 1} if preferred else {"verdict": "tie"}
        Judgement.objects.create(
            project=project,
            task=task,
            kind="pairwise",
            value=value,
            source="person",
            annotator=make_user(f"u{number}"),
        )
        row = {"key": str(number), "type": "thumbs_up", "response": first.pk}
        take_signals(project=project, rows=[row])
    noise = estimated_noise(project, SignalRules().labels)["thumbs_up"]
    assert (noise.wrong, noise.compared) == (1, 3)
    assert noise.interval == wilson(1, 3)
    assert estimated_noise(project, SignalRules().labels)["love"].rate is None


def test_they_are_exported_as_unpaired_data(make_project, make_pair_tasks):
    project = make_project()
    [task] = make_pair_tasks(project, 1)
    response = task.responses.first()
    rows = [
        {"key": "1", "type": "thumbs_up", "response": response.pk},
        {"key": "2", "type": "edit", **TEXT, "edited": "Since."},
        {"key": "3", "type": "follow_up", **TEXT},
    ]
    take_signals(project=project, rows=rows)
    set_rules(project=project, actor=project.created_by, noise={"edit": 0.2})
    up, bad, good = lines(project)
    assert up["prompt"] == task.prompt.conversation
    assert up["completion"] == [{"role": "assistant", "content": response.text}]
    assert (up["label"], up["noise"], up["signal"]) == (True, None, "thumbs_up")
    assert bad["prompt"] == [{"role": "user", "content": "Why?"}]
    assert (bad["completion"][0]["content"], bad["label"], bad["noise"]) == ("Because.", False, 0.2)
    assert (good["completion"][0]["content"], good["label"]) == ("Since.", True)
    assert (good["model"], good["model_version"]) == ("bot", "3")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"noise": {"follow_up": 0.1}}, "noise"),
        ({"noise": {"love": 0.6}}, "noise.love"),
        ({"noise": 3}, "noise"),
        ({"keep_days": 0}, "keep_days"),
        ({"follow_up": "perhaps"}, "follow_up"),
        ({"follow_up": "nothing", "noise": {"follow_up": 0.1}}, "noise"),
    ],
)
def test_rules_that_cannot_be_are_refused(make_project, fields, field):
    project = make_project()
    with pytest.raises(InvalidValue) as refused:
        set_rules(project=project, actor=project.created_by, **fields)
    assert refused.value.field == field
    assert not SignalRules.objects.exists()


def test_rules_are_in_the_audit_trail_and_go_back_to_the_estimate(make_project):
    project = make_project()
    set_rules(project=project, actor=project.created_by, noise={"love": 0.1}, keep_days=10)
    rules = set_rules(project=project, actor=project.created_by, noise={"love": None})
    assert (rules.noise, rules.keep_days) == ({}, 10)
    assert AuditEvent.objects.filter(action="signals.rules_set").count() == 2


def test_old_ones_are_forgotten_as_each_project_says(make_project):
    short, long = make_project(), make_project()
    set_rules(project=short, actor=short.created_by, keep_days=10)
    for project in (short, long):
        take_signals(project=project, rows=[{"key": "1", "type": "love", **TEXT}])
    Signal.objects.update(received_at=timezone.now() - timedelta(days=11))
    assert remove_old() == 1
    assert Signal.objects.get().project == long
    Signal.objects.update(received_at=timezone.now() - timedelta(days=366))
    assert remove_old() == 1


def test_a_follow_up_says_what_the_project_makes_of_it(make_project):
    project = make_project()
    take_signals(project=project, rows=[{"key": "1", "type": "follow_up", **TEXT}])
    assert lines(project) == []
    found = Signal.objects.filter(project=project)
    for says, label in (("good", True), ("bad", False)):
        rules = set_rules(project=project, actor=project.created_by, follow_up=says)
        set_rules(project=project, actor=project.created_by, noise={"follow_up": 0.4})
        [row] = lines(project)
        assert (row["label"], row["noise"], row["signal"]) == (label, 0.4, "follow_up")
        [version] = by_version(found, rules.labels)
        assert (version.good, version.labelled) == (label, 1)
    rules = set_rules(project=project, actor=project.created_by, follow_up="nothing")
    assert rules.noise == {}
    assert lines(project) == []
