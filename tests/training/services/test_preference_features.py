"""Features of preferences, from votes to the report."""

import json
import re

import pytest

from annotate.inputs import InvalidValue
from annotate.models import (
    AuditEvent,
    JobState,
    Judgement,
    Prompt,
    Response,
)
from annotate.services import jobs
from routing.models import JudgeCall, ResponseEmbedding
from routing.services.judges import save_judge
from tests.annotate.voting import add_task, judge, prefer
from tests.routing.judges.conftest import LIMITS
from tests.routing.judges.scripts import instructions, material, say
from tests.training.planted_pairs import plant_pairs
from training import tasks
from training.models import PreferenceFeatureRun
from training.services.preference_features import (
    cancel_features,
    clean_config,
    start_features,
)

pytestmark = pytest.mark.django_db
SMALL = {"features": 8, "active": 2}


@pytest.fixture
def project(make_project, make_user):
    project = make_project(owner=make_user("owner"), seed=1)
    plant_pairs(project, [make_user(f"p{number}") for number in range(12)])
    return project


@pytest.fixture
def make_judge(chat_server):
    """make_judge(project, script) -> a judge whose calls the script answers."""

    def make(project, script):
        chat_server.scripts[script.__name__] = script
        return save_judge(
            project=project,
            actor=project.created_by,
            name="Judge",
            kind="openai",
            config={"base_url": chat_server.base_url, "model": script.__name__},
            limits=LIMITS,
        )

    return make


def found(project, **given) -> PreferenceFeatureRun:
    judge = given.pop("judge", None)
    run = start_features(
        project=project, actor=project.created_by, config={**SMALL, **given}, judge=judge
    )
    tasks.find_preference_features(run.pk)
    run.refresh_from_db()
    return run


def describes(handler, body: dict) -> None:
    """Sees a refusal where the texts have one; votes by it."""
    told, pieces = instructions(body), material(body)
    if "MORE has more" in told:
        refusals = sum("sorry" in text for name, text in pieces.items() if "MORE" in name)
        said = "refuses" if refusals else "answers"
        value = {"text": f"Prefer the response that {said}."}
    else:
        refuses = ["sorry" in pieces[f"RESPONSE {name}"] for name in "AB"]
        value = {}
        for number, text in re.findall(r"^(\d+)\. (.+)$", body["messages"][-1]["content"], re.M):
            wanted = "refuses" in text
            same = refuses[0] == refuses[1]
            value[number] = "neither" if same else "A" if refuses[0] == wanted else "B"
    say(handler, json.dumps(value), tokens=(400, 30))


def silent(handler, body: dict) -> None:
    say(handler, "I would rather not.")


def test_what_people_turn_down_is_a_feature_described_and_tested(
    project, make_judge, chat_server
) -> None:
    model = make_judge(project, describes)
    run = found(project, judge=model)
    assert run.state == JobState.DONE, run.message
    result = run.result
    assert result["pairs"] == {"training": 132, "held_out": 88}
    assert (result["ballots"], result["clusters"], result["clusters_of"]) == (88, 12, "people")
    first = result["features"][0]
    assert first["q"] < 0.05
    assert first["beside_length"]["low"] > 0
    assert result["foretold"]["share"] > 0.6
    texts = dict(Response.objects.values_list("pk", "content"))
    held = set(Prompt.objects.filter(split_bucket__lt=50).values_list("pk", flat=True))
    of_task = dict(Judgement.objects.values_list("task_id", "task__prompt_id"))
    for one in first["examples"]:
        assert "sorry" in texts[one["less"]][0]["text"]
        assert "sorry" not in texts[one["more"]][0]["text"]
        assert of_task[one["task"]] not in held
    assert {of_task[one["task"]] for one in first["tests"]} <= held
    assert first["words"] == "Prefer the response that answers."
    assert first["fidelity"] > 0.5
    assert first["tested"] == len(first["tests"]) >= 8
    described = result["described"]
    assert described["failed"] == 0
    assert described["calls"] == JudgeCall.objects.count() == len(chat_server.requests)

    read = ResponseEmbedding.objects.count()
    assert read == 440
    again = found(project, judge=model)
    assert again.result == {**result, "described": again.result["described"]}
    assert len(chat_server.requests) == described["calls"]  # nothing is paid twice


def test_a_judge_that_fails_costs_no_features(project, make_judge) -> None:
    run = found(project, judge=make_judge(project, silent), pairs=200)
    assert run.state == JobState.DONE, run.message
    assert run.result["described"]["failed"] > 0
    assert run.result["left_out"] == {"beyond_most": 20}
    assert run.result["features"][0]["words"] == ""


def test_votes_that_are_no_pairs_are_left_out_and_too_few_are_refused(
    make_project, make_user
) -> None:
    project = make_project(owner=make_user("owner"))
    person = make_user("p")
    judge(add_task(project, "a", "b"), {"verdict": "both_bad"}, annotator=person)
    prefer(add_task(project, "a", "b"), 0, annotator=person)
    run = found(project)
    assert run.state == JobState.FAILED
    assert "0 pairs to learn features from, of which 100 are needed, and 1 votes" in run.message


def test_one_at_a_time_and_it_can_be_stopped(project, monkeypatch) -> None:
    owner = project.created_by
    run = start_features(project=project, actor=owner, config={})
    assert run.config == {
        **{"source": "people", "simulated": "exclude", "group": "all", "encoder": "minilm"},
        **{"features": 32, "active": 4, "pairs": 2000, "seed": 0},
    }
    with pytest.raises(InvalidValue, match="another report is under way"):
        start_features(project=project, actor=owner, config={"pairs": 300})
    assert start_features(project=project, actor=owner, config={}).pk == run.pk
    heartbeat = jobs.heartbeat

    def asked(job, **fields) -> bool:
        if "total" in fields:
            jobs.request_cancel(job)
        return heartbeat(job, **fields)

    monkeypatch.setattr(jobs, "heartbeat", asked)
    tasks.find_preference_features(run.pk)
    run.refresh_from_db()
    assert (run.state, run.result) == (JobState.CANCELLED, None)
    cancel_features(run=run, actor=owner)
    actions = list(AuditEvent.objects.filter(project=project).values_list("action", flat=True))
    assert actions.count("preference_features.queued") == 1
    assert "preference_features.cancel_asked" not in actions  # it was over


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"features": 3}, "features"),
        ({"features": 8, "active": 9}, "active"),
        ({"pairs": 10}, "pairs"),
        ({"by": "language"}, "by"),
        ({"source": "x"}, "source"),
        ({"encoder": "../secret"}, "settings.encoder"),
    ],
)
def test_bad_settings_are_refused(given, field) -> None:
    with pytest.raises(InvalidValue) as caught:
        clean_config(given)
    assert caught.value.field == field


def test_without_the_extra_it_says_so(project, monkeypatch) -> None:
    monkeypatch.setattr("training.encoders.find_spec", lambda name: None)
    with pytest.raises(InvalidValue, match=r"not installed .* `training` extra"):
        start_features(project=project, actor=project.created_by, config={})
