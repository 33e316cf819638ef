"""The simulated judge: its preference, its noise, its bias, and its mark."""

import math

import pytest

from annotate.demo.preference import HiddenPreference
from annotate.inputs import InvalidValue
from annotate.kinds import ranking, rating
from annotate.models import Judgement
from routing.judges import Question
from routing.judges.probability import logit
from routing.judges.simulated import SimulatedJudge, clean
from routing.services.judges import save_judge

TEXTS = ("The river Elbe is 1,094 km long and ends at Cuxhaven.", "Great question! Maybe. Maybe.")


def question(number: int, texts=TEXTS, **more) -> Question:
    ids = tuple(range(1, len(texts) + 1))
    turns = [{"role": "user", "content": "How long is the Elbe?"}]
    return Question(number, "", turns, ids, texts, **more)


def say(items, **config):
    return list(SimulatedJudge(clean(config)).compare(items, lambda: False))


def test_it_chooses_as_bradley_and_terry_have_it() -> None:
    """Over 1,500 tasks, within three standard errors of sigmoid(difference / noise)."""
    hidden = HiddenPreference()
    u, v = (hidden.utility("How long is the Elbe?", text) for text in TEXTS)
    noise = 2 * abs(u - v)
    said = say([question(n) for n in range(1500)], noise=noise)
    share = sum(one.p_first > 0.5 for one in said) / 1500
    wanted = 1 / (1 + math.exp(-(u - v) / noise))
    assert abs(share - wanted) < 3 * math.sqrt(wanted * (1 - wanted) / 1500)


def test_the_bias_is_there_in_one_order_and_gone_in_both() -> None:
    [plain] = say([question(1)])
    [both] = say([question(1)], position_bias=0.8)
    [one] = say([question(1)], position_bias=0.8, orders="one")
    assert both.p_first == pytest.approx(plain.p_first)
    assert both.raw["position_bias"] == pytest.approx(0.8)
    assert logit(one.p_first) - logit(plain.p_first) == pytest.approx(0.8)


def test_the_same_seed_says_the_same_and_another_does_not() -> None:
    items = [question(n) for n in range(20)]
    first, again, other = (say(items, seed=seed) for seed in (1, 1, 2))
    assert [one.p_first for one in first] == [one.p_first for one in again]
    assert [one.p_first for one in first] != [one.p_first for one in other]


def test_its_preference_can_be_turned_round() -> None:
    weights = {"concreteness": 0, "relevance": 0, "length_fit": 0, "closure": 0, "flattery": 50}
    [said] = say([question(1)], noise=0.1, preference=weights)
    assert said.p_first < 0.01


def test_rankings_and_ratings_fit_their_kinds() -> None:
    three = (*TEXTS, "No.")
    settings = ranking.clean_settings({"modes": ["full"]})
    [ranked] = say([question(1, three, kind="ranking", settings=settings)])
    assert sorted(pk for tier in ranked.value["tiers"] for pk in tier) == [1, 2, 3]
    settings = rating.clean_settings({"criteria": [{"name": "help"}]})
    [rated] = say([question(1, three, kind="rating", settings=settings)])
    assert set(rated.value["ratings"]) == {"1", "2", "3"}


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"noise": 0}, "config.noise"),
        ({"preference": {"taste": 1}}, "config.preference.taste"),
        ({"preference": {"best_words": 0}}, "config.preference.best_words"),
        ({"orders": "three"}, "config.orders"),
    ],
)
def test_a_wrong_config_is_refused(config, field) -> None:
    with pytest.raises(InvalidValue) as caught:
        clean(config)
    assert caught.value.field == field


@pytest.mark.django_db
def test_its_labels_are_marked_as_simulated(make_project, make_pair_tasks, work) -> None:
    project = make_project()
    make_pair_tasks(project, 5)
    judge = save_judge(project=project, actor=None, name="Sim", kind="simulated", config={})
    assert work(judge).labelled == 5
    labels = Judgement.objects.filter(judge=judge)
    assert {label.simulated for label in labels} == {True}
    assert work(judge).labelled == 0
