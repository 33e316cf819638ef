"""The charts of a run, against the names that the trainers report."""

import re
from pathlib import Path

import pytest
from django.urls import reverse

import training.recipes
from training.models import RunMetric, TrainingRun
from training.pages import curves as curves_module
from training.pages.curves import CHARTS, curves

RECIPES = Path(training.recipes.__file__).parent
PLOTTED = {name for _, lines in CHARTS for name in lines}


@pytest.fixture
def run(make_project) -> TrainingRun:
    return TrainingRun.objects.create(project=make_project(), recipe="dpo", state="queued")


def record(run: TrainingRun, *values: dict[str, float]) -> None:
    RunMetric.objects.bulk_create(
        RunMetric(run=run, step=step, values=one) for step, one in enumerate(values, 1)
    )


@pytest.mark.parametrize(
    ("trainer", "count"), [("reward_trainer", 3), ("dpo_trainer", 7), ("group_trainer", 5)]
)
def test_every_figure_of_a_trainer_has_a_chart(trainer, count) -> None:
    source = (RECIPES / f"{trainer}.py").read_text(encoding="utf-8")
    found = re.findall(r'metrics\["(\w+)"\]\.append|_note\(\s*"(\w+)"', source)
    reported = {"".join(names) for names in found}
    assert len(reported) == count
    assert reported <= PLOTTED


def test_no_name_is_drawn_twice() -> None:
    assert len(PLOTTED) == sum(len(lines) for _, lines in CHARTS)


def test_a_policy_run_draws_both_log_probabilities_together(run) -> None:
    record(
        run,
        {"loss": 0.69, "logp_chosen": -40.0, "logp_rejected": -42.0, "reward_margin": 0.0},
        {"loss": 0.61, "logp_chosen": -41.0, "logp_rejected": -47.0, "reward_margin": 0.4},
    )
    charts = {chart.title: chart for chart in curves(run)}
    assert list(charts) == ["Loss", "Implicit reward, chosen − rejected", "Log-probability, nats"]
    both = charts["Log-probability, nats"]
    assert both.legend == ("Chosen", "Rejected")
    assert both.header == ("Step", "Chosen", "Rejected")
    assert both.rows == [("1", "-40", "-42"), ("2", "-41", "-47")]


def test_figures_that_some_steps_lack_keep_their_steps(run) -> None:
    record(run, {"loss": 0.7, "accuracy": 0.5}, {"loss": 0.6}, {"loss": 0.5, "accuracy": 0.75})
    accuracy = next(chart for chart in curves(run) if chart.title.startswith("Accuracy"))
    assert [step for step, _ in accuracy.rows] == ["1", "3"]


def test_one_point_and_unknown_names_draw_nothing(run) -> None:
    record(run, {"loss": 0.7, "entropy": 3.0})
    assert curves(run) == []
    RunMetric.objects.create(run=run, step=2, values={"entropy": 2.0})
    assert curves(run) == []


def test_the_page_shows_them(client, run) -> None:
    names = sorted(PLOTTED)
    record(run, *({name: step / 7 for name in names} for step in (1, 2)))
    client.force_login(run.project.created_by)
    text = client.get(reverse("training_run", args=[run.pk])).content.decode()
    assert text.count('<figure class="chart">') == len(CHARTS)
    assert text.count("<polyline") == len(PLOTTED)


def test_a_long_run_is_drawn_whole_by_fewer_points(run, monkeypatch) -> None:
    monkeypatch.setattr(curves_module, "MOST_POINTS", 10)
    record(run, *({"loss": 1 / step} for step in range(1, 26)))
    (loss,) = curves(run)
    assert [step for step, _ in loss.rows] == ["1", "4", "7", "10", "13", "16", "19", "22", "25"]
    monkeypatch.setattr(curves_module, "MOST_POINTS", 25)
    assert len(curves(run)[0].rows) == 25
