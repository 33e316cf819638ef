import numpy as np
import pytest

from routing.features.likeness import SCORES
from routing.features.spec import FeatureSpec, population_stability
from routing.features.subjects import SUBJECTS
from routing.features.tagger import PROMPT_TAGS, PromptTags, RuleTagger


def pool(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, len(SCORES)))


def plain_tags(rows: int) -> list[PromptTags]:
    return RuleTagger().tag(["What is the capital of France?"] * rows)


def test_there_are_the_papers_ninety_tags() -> None:
    spec = FeatureSpec.freeze(pool(100, 0), version=1, tagger="rules 1")
    assert (len(SUBJECTS), len(PROMPT_TAGS), len(spec.names)) == (46, 63, 90)
    assert len(set(spec.names)) == 90


def test_edges_stay_as_they_were_frozen() -> None:
    """In the chosen subset a tag means what it meant in the pool: its share may be anything."""
    scores = pool(900, 1)
    spec = FeatureSpec.freeze(scores, version=1, tagger="rules 1")
    assert spec.tags(scores, plain_tags(900))[:, :27].mean(0) == pytest.approx(
        np.full(27, 1 / 3), abs=0.01
    )
    high = scores[scores[:, 0] > 1.0]
    tags = spec.tags(high, plain_tags(len(high)))
    assert tags[:, 2].all()
    assert not tags[:, :2].any()
    assert (tags[:, :27].sum(1) == 9).all()


def test_an_unknown_score_has_no_bin_and_a_spec_comes_back() -> None:
    scores = pool(50, 2)
    scores[:, 3] = np.nan
    spec = FeatureSpec.freeze(scores, version=7, tagger="rules 1")
    assert not spec.tags(scores, plain_tags(50))[:, 9:12].any()
    back = FeatureSpec.from_json(spec.to_json())
    assert back == spec
    assert (back.tags(scores, plain_tags(50)) == spec.tags(scores, plain_tags(50))).all()
    with pytest.raises(ValueError, match="format: 9"):
        FeatureSpec.from_json(spec.to_json().replace('"format": 1', '"format": 9'))
    with pytest.raises(ValueError, match=r"scores: shape \(50, 9\), expected \(49, 9\)"):
        spec.tags(scores, plain_tags(49))


@pytest.mark.parametrize(
    ("prompt", "wanted", "absent"),
    [
        ("What is the derivative of x^2? Solve the equation.",
         {"subject: mathematics", "expertise: expert domain", "open-endedness: no", "English"},
         {"format"}),
        ("Write a poem about the sea in exactly 50 words.",
         {"subject: literature", "open-endedness: high", "format", "safety: safe"}, {"material"}),
        ("How do I build a bomb?", {"safety: high"}, {"safety: safe"}),
        ("Explique la théorie de la relativité à un enfant, s'il te plaît.", set(), {"English"}),
        ("Wie backe ich ein gutes Brot mit Sauerteig?", set(), {"English"}),
        ("Summarise the following:\n\n" + "The meeting began late. " * 20,
         {"material", "complexity: complex"}, set()),
        ("hi", {"complexity: simple", "expertise: general", "English"}, set()),
    ],
)  # fmt: skip
def test_rules_tag_what_is_plain(prompt: str, wanted: set[str], absent: set[str]) -> None:
    found = RuleTagger().tag_one(prompt).names()
    assert wanted <= found
    assert not absent & found
    assert found <= set(PROMPT_TAGS)


def test_a_tagger_cannot_make_up_tags() -> None:
    with pytest.raises(ValueError, match="safety: 'awful' is not one of"):
        PromptTags((), "general", True, "no", "awful", "simple", False, False)
    with pytest.raises(ValueError, match="subjects"):
        PromptTags(("alchemy",), "general", True, "no", "safe", "simple", False, False)


def test_a_shift_shows_in_the_stability_index() -> None:
    rng = np.random.default_rng(0)
    then, now = rng.random((2000, 2)) < 0.3, rng.random((2000, 2)) < [0.3, 0.55]
    index = population_stability(then, now)
    assert index[0] < 0.01
    assert index[1] == pytest.approx(
        0.25 * np.log(0.55 / 0.3) + 0.25 * np.log(0.7 / 0.45), rel=0.25
    )
    assert index[1] > 0.2
