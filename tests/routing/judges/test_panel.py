"""Panels: weighted votes of judges that are asked once, whoever asks."""

import pytest

from annotate.inputs import InvalidValue
from annotate.models import Judgement
from routing.judges import Verdict
from routing.judges.panel import PanelJudge, clean
from routing.judges.probability import logit, sigmoid
from routing.services.judges import save_judge
from tests.routing.length_judge import lengthen


def pool(said: dict[int, float | None], weights: dict[int, float], **config) -> Verdict:
    members = [{"judge": pk, "weight": weight} for pk, weight in weights.items()]
    judge = PanelJudge(clean({"members": members, **config}), desk=None)
    return judge.pool(1, {pk: Verdict(1, p) for pk, p in said.items()})


def test_votes_count_by_weight() -> None:
    """2 of 4 weights against 1 and 1: even; 3 of 5: (0.6 * 3 + .5) / 4."""
    assert pool({1: 0.9, 2: 0.2, 3: 0.1}, {1: 2, 2: 1, 3: 1}).p_first is None
    assert pool({1: 0.9, 2: 0.2, 3: 0.1}, {1: 3, 2: 1, 3: 1}).p_first == pytest.approx(0.575)


def test_logits_are_averaged_by_weight() -> None:
    said = pool({1: 0.9, 2: 0.2}, {1: 1, 2: 3}, pool="logits")
    assert said.p_first == pytest.approx(sigmoid((logit(0.9) + 3 * logit(0.2)) / 4))


def test_less_than_the_quorum_says_nothing() -> None:
    weights = {1: 1, 2: 1, 3: 1}
    assert pool({1: 0.9, 2: None, 3: None}, weights).p_first is None
    assert pool({1: 0.9, 2: None, 3: None}, weights, quorum=0.3).p_first is not None
    assert pool({1: 0.9}, weights).failed is True
    assert pool({1: 0.9, 2: None, 3: None}, weights).failed is False


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"members": [{"judge": 1}]}, "config.members"),
        ({"members": [{"judge": 1}, {"judge": 1}]}, "config.members.1.judge"),
        ({"members": [{"judge": 1}, {"judge": 2, "weight": 0}]}, "config.members.1.weight"),
        ({"members": [{"judge": 1}, {"judge": 2}], "pool": "mean"}, "config.pool"),
    ],
)
def test_a_wrong_config_is_refused(config, field) -> None:
    with pytest.raises(InvalidValue) as caught:
        clean(config)
    assert caught.value.field == field


@pytest.mark.django_db
def test_members_calls_are_paid_once_and_their_failures_are_seen(
    make_project, make_pair_tasks, make_judge, work, judge_server
) -> None:
    project = make_project()
    for task in make_pair_tasks(project, 2):
        lengthen(task)
    model = make_judge(project, "planted", name="Model")
    rules = [{"rule": "length", "weight": 1}, {"rule": "characters", "low": 40, "weight": 1}]
    ruled = save_judge(
        project=project, actor=None, name="Rules", kind="rules", config={"rules": rules}
    )
    members = [{"judge": model.pk, "weight": 1}, {"judge": ruled.pk, "weight": 1}]
    both = save_judge(
        project=project, actor=None, name="Both", kind="panel", config={"members": members}
    )
    run = work(both)
    assert (run.state, run.labelled) == ("done", 2)
    for label in Judgement.objects.filter(judge=both):
        longest = max(label.task.responses.all(), key=lambda one: len(one.text))
        assert label.value["preferred"] == longest.pk
    assert len(judge_server.requests) == 4
    assert work(model).labelled == 2
    assert len(judge_server.requests) == 4

    failing = make_judge(project, "broken", name="Broken", limits={"attempts": 1})
    members = [{"judge": model.pk}, {"judge": failing.pk, "weight": 3}]
    weak = save_judge(
        project=project, actor=None, name="Weak", kind="panel", config={"members": members}
    )
    assert (work(weak).labelled, weak.runs.get().failed) == (0, 2)
    assert failing.calls.filter(state="failed").count() == 4


@pytest.mark.django_db
def test_members_must_be_judges_of_the_project(make_project, make_judge) -> None:
    ours, theirs = make_judge(make_project(), "planted"), make_judge(make_project(), "planted")
    members = [{"judge": ours.pk}, {"judge": theirs.pk}]
    with pytest.raises(InvalidValue) as caught:
        save_judge(
            project=ours.project, actor=None, name="P", kind="panel", config={"members": members}
        )
    assert caught.value.field == "config.members.1.judge"
