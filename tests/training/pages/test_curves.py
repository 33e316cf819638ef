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
    assert text.count('<figure class="chart">') == len(CHARTS) + 1  # that over KL
    assert text.count("<polyline") == len(PLOTTED) + 2


def test_held_out_rows_stand_beside_training_batches(run) -> None:
    looks = {2: {"eval_loss": 0.68}, 4: {"eval_loss": 0.66}}
    record(run, *({"loss": 1 / step, **looks.get(step, {})} for step in range(1, 5)))
    (loss,) = curves(run)
    assert loss.legend == ("Training batches", "Held-out rows")
    assert loss.header == ("Step", "Training batches", "Held-out rows")
    assert [row[2] for row in loss.rows] == ["", "0.68", "", "0.66"]


def test_what_is_learned_and_what_is_held_out_are_drawn_over_the_kl(run) -> None:
    record(
        run,
        {"reward_accuracy": 0.6, "eval_reward_accuracy": 0.58, "eval_kl_drawn": 0.5},
        {"reward_accuracy": 0.7},
        {"reward_accuracy": 0.9, "eval_reward_accuracy": 0.55, "eval_kl_drawn": 9.0},
        {"reward_accuracy": 0.8, "eval_reward_accuracy": 0.62, "eval_kl_drawn": 3.0},
    )
    chart = curves(run)[-1]
    assert chart.title.startswith("Over-optimisation")
    assert chart.header == ("KL from the reference, nats", "Training batches", "Held-out rows")
    assert chart.rows == [("0.5", "0.6", "0.58"), ("3", "0.8", "0.62"), ("9", "0.9", "0.55")]


def test_a_long_run_is_drawn_whole_by_fewer_points(run, monkeypatch) -> None:
    monkeypatch.setattr(curves_module, "MOST_POINTS", 10)
    record(run, *({"loss": 1 / step} for step in range(1, 26)))
    (loss,) = curves(run)
    assert [step for step, _ in loss.rows] == ["1", "4", "7", "10", "13", "16", "19", "22", "25"]
    monkeypatch.setattr(curves_module, "MOST_POINTS", 25)
    assert len(curves(run)[0].rows) == 25


def test_a_long_run_keeps_all_its_looks(run, monkeypatch) -> None:
    monkeypatch.setattr(curves_module, "MOST_POINTS", 10)
    looks = {6: {"eval_loss": 0.6}, 12: {"eval_tokens": 9.0}, 24: {"eval_loss": 0.5}}
    record(run, *({"loss": 1 / step, **looks.get(step, {})} for step in range(1, 26)))
    (loss,) = curves(run)
    assert {"6", "12", "24"} <= {step for step, _, _ in loss.rows}
    assert len(loss.rows) == 9 + 3
