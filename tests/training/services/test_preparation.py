"""What a run trains from, from answers on the page to what its recipe reads."""

from datetime import UTC, datetime, timedelta

import pytest

from annotate.kinds import InvalidValue
from annotate.models import Signal, Snapshot
from annotate.services import jobs
from annotate.services.signals.intake import take_signals
from annotate.services.signals.rules import set_rules
from tests.annotate.kinds_at_work import CASES, judge
from training import folders
from training.data.pairs import read_splits
from training.models import TrainingRun
from training.recipes.group_data import read_groups
from training.services.preparation import prepare_run
from training.services.runs import queue_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def prepared(make_project, make_pair_tasks, make_user, var_dir):
    """prepared("ranking", "kto") -> the run and its folder of data, of twelve judgements."""

    def make(kind: str, loss: str):
        case = CASES[kind]
        project = make_project(kind=kind, kind_settings=case.settings, test_percent=40)
        people = [make_user("ada"), make_user("bob")]
        for task in make_pair_tasks(project, 6):
            judge(project, task, people, case)
        queued = queue_run(project=project, actor=None, recipe="dpo", config={"loss": loss})
        run = jobs.claim(TrainingRun, queued.pk, owner="me")
        prepare_run(run, lambda: None)
        run.refresh_from_db()
        return run, folders.run_folder(run.pk) / "data"

    return make


@pytest.mark.parametrize("kind", ["ranking", "rating", "pairwise"])
def test_losses_over_lists_get_judgements(prepared, kind) -> None:
    run, data = prepared(kind, "plackett_luce")
    assert run.snapshot.holds == Snapshot.Holds.JUDGEMENTS
    splits = read_groups(data, takes="lists")
    assert splits.train
    assert splits.test
    assert all(one.decided for one in splits.train)


def test_losses_over_votes_get_judgements(prepared) -> None:
    run, data = prepared("rating", "kto")
    assert run.snapshot.holds == Snapshot.Holds.JUDGEMENTS
    splits = read_groups(data, takes="votes")
    assert {vote.desirable for vote in splits.train} == {True, False}
    assert splits.test_votes


@pytest.mark.parametrize("kind", ["ranking", "pairwise"])
def test_losses_over_pairs_get_preferences(prepared, kind) -> None:
    run, data = prepared(kind, "ipo")
    assert run.snapshot.holds == Snapshot.Holds.PREFERENCES
    assert read_splits(data, tie_rule="drop").train


def test_the_reward_model_in_service_judges_a_policys_responses(prepared, make_version) -> None:
    run, _ = prepared("pairwise", "ipo")
    assert "judge" not in prepare_run(run, lambda: None)
    judge = make_version(run.project, "reward_model")
    assert prepare_run(run, lambda: None)["judge"] == {
        "folder": str(folders.model_folder(judge.path)),
        "name": str(judge),
    }


FROM = {"generator": "bot", "generator_version": "3"}
RATES = {"thumbs_up": 0.1, "thumbs_down": 0.2, "edit": 0.3, "copy": 0.5}


@pytest.fixture
def product(make_project, make_pair_tasks, make_user, var_dir):
    """A pairwise project with six judged tasks, and what people of a product said."""
    project = make_project(test_percent=40)
    people = [make_user("ada"), make_user("bob")]
    tasks = make_pair_tasks(project, 6)
    for task in tasks:
        judge(project, task, people, CASES["pairwise"])
    now = datetime.now(UTC)
    rows = []
    for number, task in enumerate(tasks):
        answer = {"response": task.responses.order_by("pk").first().pk}
        said = ("thumbs_down", "thumbs_up") if number % 2 else ("thumbs_up", "thumbs_down")
        rows += [  # the same person changes their mind
            {
                **{"key": f"{number}-{place}", "type": type, "end_user": "zoe", **answer},
                "happened_at": (now - timedelta(hours=2 - place)).isoformat(),
            }
            for place, type in enumerate(said)
        ]
    text = {"prompt": "How?", "completion": "So.", **FROM}
    rows += [
        {"key": "e", "type": "edit", "edited": "Thus.", **text},
        {"key": "c", "type": "copy", **text},
        {"key": "l", "type": "love", **text},
    ]
    assert take_signals(project=project, rows=rows).errors == []
    set_rules(project=project, actor=project.created_by, noise=RATES)
    return project


def start(project):
    config = {"loss": "kto", "signals": True}
    queued = queue_run(project=project, actor=None, recipe="dpo", config=config)
    run = jobs.claim(TrainingRun, queued.pk, owner="me")
    job = prepare_run(run, lambda: None)
    assert "signals" not in job["config"]
    run.refresh_from_db()
    return run, folders.run_folder(run.pk) / "data"


def test_signals_are_votes_with_their_noise(product) -> None:
    """Those of held-out prompts, of coins, of unknown noise and of changed minds are none."""
    run, data = start(product)
    splits = read_groups(data, takes="votes")
    tasks = list(product.tasks.select_related("prompt").order_by("pk"))
    expected = set()
    for number, task in enumerate(tasks):
        if task.prompt.split_bucket >= 40:
            text = task.responses.order_by("pk").first().text
            good = bool(number % 2)
            expected.add((task.prompt_id, text, good, 0.1 if good else 0.2))
    found = {
        (vote.prompt_id, vote.response, vote.desirable, vote.noise)
        for vote in splits.train
        if vote.prompt_id > 0
    }
    assert found == expected
    assert 0 < len(expected) < len(tasks)
    loose = [vote for vote in splits.train if vote.prompt_id < 0]
    assert {(vote.response, vote.desirable, vote.noise) for vote in loose} <= {
        ("So.", False, 0.3),
        ("Thus.", True, 0.3),
    }
    assert splits.test  # people's preferences on held-out prompts
    assert run.environment["signals_rows"] >= len(splits.train)


def test_forgotten_signals_stay_with_the_run_that_read_them(product) -> None:
    run, data = start(product)
    before = read_groups(data, takes="votes").fingerprint
    Signal.objects.all().delete()
    prepare_run(run, lambda: None)
    assert read_groups(data, takes="votes").fingerprint == before
    (data / "signals.jsonl").write_bytes(b"")
    with pytest.raises(RuntimeError, match="other signals"):
        prepare_run(run, lambda: None)


def test_without_any_a_run_is_refused_before_it_is_queued(make_project, product) -> None:
    with pytest.raises(InvalidValue, match="no signals yet"):
        start(make_project(kind="rating"))
    with pytest.raises(InvalidValue, match="learns from answers of kind rating"):
        queue_run(project=product, actor=None, recipe="dpo", config={"loss": "kto"})
