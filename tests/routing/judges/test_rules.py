"""Rules: scores by hand, and patterns that would run for ever."""

import math

import pytest

from annotate.inputs import InvalidValue
from annotate.kinds import ranking
from routing.judges import Question, matching
from routing.judges.matching import Matcher, TooSlow
from routing.judges.rules import RulesJudge, clean


def question(*texts: str, kind: str = "pairwise", settings=None) -> Question:
    ids = tuple(range(1, len(texts) + 1))
    turns = [{"role": "user", "content": "Q?"}]
    return Question(7, "", turns, ids, texts, kind=kind, settings=settings)


def say(rules: list[dict], *texts: str, **more):
    judge = RulesJudge(clean({"rules": rules}))
    [verdict] = judge.compare([question(*texts, **more)], lambda: False)
    return verdict


def test_scores_are_the_weights_of_what_holds() -> None:
    rules = [
        {"rule": "words", "low": 2, "high": 3, "weight": 1.5},
        {"rule": "characters", "high": 5, "weight": 2},
        {"rule": "pattern", "pattern": "(?i)as an ai", "weight": -3},
        {"rule": "length", "weight": 0.5},
    ]
    verdict = say(rules, "one two", "As an AI model, no")
    assert verdict.raw["scores"] == pytest.approx([1.5 + 0.5 * math.log(3), -3 + 0.5 * math.log(6)])
    gap = verdict.raw["scores"][0] - verdict.raw["scores"][1]
    assert verdict.p_first == pytest.approx(1 / (1 + math.exp(-gap)))


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("json", '{"a": 1}', "a: 1"),
        ("list", "So:\n- one", "So - one"),
        ("heading", "# Title\ntext", "Issue #1"),
        ("code", "```\nx\n```", "`x`"),
        ("table", "| a | b |\n", "a | b"),
        ("one_paragraph", "One.\nTwo.", "One.\n\nTwo."),
    ],
)
def test_formats(name, yes, no) -> None:
    verdict = say([{"rule": "format", "format": name, "weight": 1}], no, yes)
    assert verdict.raw["scores"] == [0, 1]


def test_equal_scores_are_an_abstention() -> None:
    verdict = say([{"rule": "format", "format": "code"}], "a", "b")
    assert (verdict.p_first, verdict.failed) == (None, False)
    assert "alike" in verdict.why_not


def test_more_than_two_are_ranked_with_ties() -> None:
    settings = ranking.clean_settings({"modes": ["full"]})
    rules = [{"rule": "characters", "high": 3, "weight": 1}]
    verdict = say(rules, "long text", "abc", "ab", kind="ranking", settings=settings)
    assert verdict.value == {"verdict": "full", "tiers": [[2, 3], [1]]}


def test_a_pattern_without_end_is_killed_and_the_next_text_is_read() -> None:
    """(a+)+$ on a hundred a and a b takes 2^100 steps."""
    with Matcher(["(a+)+$"]) as matcher:
        assert matcher.search("aaa") == [True]
        matcher.seconds = 0.3
        with pytest.raises(TooSlow):
            matcher.search("a" * 100 + "b")
        matcher.seconds = 60
        assert matcher.search("b") == [False]


def test_how_long_the_child_takes_to_start_is_not_the_patterns_time(monkeypatch, tmp_path) -> None:
    late = tmp_path / "late.py"
    late.write_text(f"import time\ntime.sleep(1.5)\n{matching.CHILD.read_text()}")
    monkeypatch.setattr(matching, "CHILD", late)
    with Matcher(["a"], seconds=1) as matcher:
        assert matcher.search("b") == [False]


def test_such_a_pattern_is_a_failure_of_its_question_alone(monkeypatch) -> None:
    monkeypatch.setattr("routing.judges.matching.SECONDS", 1.0)
    judge = RulesJudge(clean({"rules": [{"rule": "pattern", "pattern": "(a+)+$"}]}))
    items = [question("a" * 100 + "b", "x"), question("b", "a")]
    bad, good = judge.compare(items, lambda: False)
    assert (bad.failed, bad.p_first) == (True, None)
    assert bad.why_not.message == "the patterns took longer than 1 s on a text"
    assert good.raw["scores"] == [0, 1]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"rule": "pattern", "pattern": "("}, "pattern"),
        ({"rule": "pattern", "pattern": "x" * 501}, "pattern"),
        ({"rule": "pattern"}, "pattern"),
        ({"rule": "words", "low": 5, "high": 4}, "high"),
        ({"rule": "words", "pattern": "x"}, "pattern"),
        ({"rule": "format", "format": "pdf"}, "format"),
        ({"rule": "taste"}, "rule"),
        ({"rule": "length", "weight": float("nan")}, "weight"),
    ],
)
def test_a_wrong_rule_is_refused_at_its_field(rule, field) -> None:
    with pytest.raises(InvalidValue) as caught:
        clean({"rules": [{"rule": "length"}, rule]})
    assert caught.value.field == f"config.rules.1.{field}"
