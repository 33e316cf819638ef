"""The model card, read back by the library that the hub uses."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from annotate.wording import Told
from config.translations import ROOT, read_catalogue
from training.evaluation.card import CardFacts, without_header, write_card
from training.evaluation.figure_words import KNOWN

FACTS = CardFacts(
    kind="reward_model",
    run=12,
    project=3,
    asked="pairwise",
    base_model="sentence-transformers/all-MiniLM-L6-v2",
    recipe="reward_model",
    config={"method": "frozen", "seed": 0, "l2": 0.001, "odd": "a|b\nc"},
    snapshot={
        "rows": 500,
        "holds": "preferences",
        "tie_rule": "drop",
        "aggregation": "each",
        "split": {"test_percent": 10},
        "sha256": "ab" * 32,
    },
    sources={"imported": 100, "judge": 100, "person": 200},
    annotators=4,
    judges=1,
    metrics={
        "rows": 96,
        "accuracy": {"value": 0.75, "low": 0.6548, "high": 0.8258, "rows": 96},
        "length_correlation": None,
        "against_length_only": {"only_a": 9, "only_b": 8, "p_value": 1.0},
        "accuracy_by_source": {"person": {"value": 0.5, "low": 0.2, "high": 0.8, "rows": 10}},
    },
    lineage=(
        (Told("Run"), Told("{run} of project {project}, seed {seed}", run=12, project=3, seed=0)),
        (Told("Snapshot"), "7, `abab`"),
    ),
)


def test_it_tells_what_filters_did_to_the_labels():
    plain = write_card(FACTS)
    filters = {"strength": {"agrees": 0.8, "rule": "flip", "flipped": 33}}
    learned = {"train_rows": 165, "dropped": {"ties": 2, "not_selected": 5}, "filters": filters}
    told = write_card(replace(FACTS, learned=learned))
    wanted = {
        "- Training rows: 165",
        "- Rows left out before training: 7",
        "- Labels flipped, by an ensemble’s view of them: 33",
    }
    assert set(told.splitlines()) - set(plain.splitlines()) == wanted


def test_the_hubs_library_reads_it():
    card = ModelCard(write_card(FACTS))
    assert card.data.to_dict() == {
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "base_model": "sentence-transformers/all-MiniLM-L6-v2",
        "tags": ["preference", "reward-model", "reward_model"],
    }
    assert card.text.lstrip() == without_header(write_card(FACTS))
    policy = ModelCard(write_card(replace(FACTS, kind="policy", base_model="base/0af3")))
    assert policy.data.pipeline_tag == "text-generation"
    assert policy.data.base_model is None, "a folder of this installation is no model of the hub"


@pytest.mark.parametrize(
    "said",
    [
        "# Reward model of run 12",
        "400: imported 100 (25.0 %), judge 100 (25.0 %), person 200 (50.0 %)",
        "500 (preferences, drop, each)",
        "10 % of prompts",
        "ab" * 32,
        "| accuracy | 0.75 | 0.655 to 0.826 | 96 |",
        "| accuracy by source: person | 0.5 | 0.200 to 0.800 | 10 |",
        "| against length only: p value | 1 |  |  |",
        "| `l2` | `0.001` |",
        "| `odd` | `a\\|b c` |",
        "96 held-out labels are few",
        "Not shown to be better than preferring by length alone",
        "labels of AI judges",
        "- Run: 12 of project 3, seed 0",
        "- Snapshot: 7, `abab`",
    ],
)
def test_it_tells(said):
    assert said in write_card(FACTS)


def test_limits_that_do_not_hold_are_not_told():
    better = {"only_a": 90, "only_b": 8, "p_value": 1e-9}
    metrics = {**FACTS.metrics, "rows": 960, "against_length_only": better}
    card = write_card(replace(FACTS, metrics=metrics, sources={"person": 400}))
    for limit in ("are few", "by length alone", "AI judges too", "One annotator"):
        assert limit not in card
    assert "One annotator" in write_card(replace(FACTS, annotators=1))


def test_without_anything_measured_it_says_so():
    empty = {"rows": 0, "holds": "", "tie_rule": "", "aggregation": "", "split": {}, "sha256": ""}
    card = write_card(replace(FACTS, metrics={}, sources={}, snapshot=empty))
    assert "nothing was measured" in card
    assert "Judgements: 0" in card


def test_a_page_says_every_sentence_in_its_own_words() -> None:
    """What is put in capitals has been asked for; the names of settings stay."""
    said = []

    def say(told: Told) -> str:
        said.append(told.reason)
        return told.message.upper()

    card, known = write_card(FACTS, say), read_catalogue("de")
    assert "## KNOWN LIMITS\n" in card
    assert "MEASURED ON PROMPTS OF ITS OWN PROJECT" in card
    assert "400: IMPORTED 100 (25.0 %), JUDGE 100" in card
    assert "| ACCURACY BY SOURCE: PERSON | 0.5 | 0.200 TO 0.800 | 10 |" in card
    assert "- RUN: 12 OF PROJECT 3, SEED 0\n" in card
    assert all(known.get(text) and known.get(text).string for text in said)
    assert len(said) > 20
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert headings == [line.upper() for line in headings]


def test_a_page_writes_its_figures_as_its_reader_does() -> None:
    card = write_card(FACTS, write=lambda number: number.replace(".", ","))
    assert "| accuracy | 0,75 | 0,655 to 0,826 | 96 |" in card
    assert "| against length only: p value | 1 |" in card
    assert "| `l2` | `0.001` |" in card, "what would be sent to the API"


def test_votes_alone_are_figures_too() -> None:
    votes = {"good": 3, "bad": 4, "separation": 0.75}
    card = write_card(replace(FACTS, metrics={"rows": 0, "votes": votes}))
    assert "| votes: separation | 0.75 |" in card
    assert "nothing was measured" not in card


def test_what_was_kept_is_told_by_sort() -> None:
    card = write_card(replace(FACTS, scored={"pair": 12, "segment": 40}), lambda said: said.message)
    assert "its scores of 12 pairs, 40 segments, held out" in card
    known = read_catalogue("de")
    for sort in ("{count} pairs", "{count} segments"):
        assert known.get(sort).string


FIGURES = (
    "evaluation/preference.py",
    "evaluation/segments.py",
    "recipes/dpo_evaluation.py",
    "recipes/ensemble.py",
    "recipes/feedback_figures.py",
    "recipes/head_model.py",
    "recipes/heads/objectives/lists.py",
    "recipes/heads/objectives/pairs.py",
    "recipes/heads/objectives/ratings.py",
    "recipes/heads/objectives/segments.py",
    "recipes/policy_figures.py",
    "recipes/reward_figures.py",
)
NO_FIGURES = {
    *("accuracy by margin", "gain by place"),  # lists, which cards leave out
    "kl estimator",  # a text, which cards leave out
    *("agree", "disagree"),  # names of figures that go on
    *("dropped", "test rows", "train rows"),  # of the data
}


def test_every_figure_that_is_computed_has_its_words() -> None:
    named = {name.replace("_", " ") for path in FIGURES for name in _figures_of(path)}
    assert len(named) > 60
    assert named - NO_FIGURES - KNOWN == set()


def _figures_of(path: str) -> set[str]:
    """The names that dictionaries get in functions called … figures, or evaluate …."""
    tree = ast.parse((Path(ROOT) / "training" / path).read_text(encoding="utf-8"))
    found = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or not _tells(function.name):
            continue
        options = {
            id(call)
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("options", "draw")
            for call in ast.walk(node)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Dict) and id(node) not in options:
                keys = node.keys
            elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                keys = [node.slice]
            else:
                continue
            found |= {key.value for key in keys if isinstance(key, ast.Constant)}
    return {name for name in found if isinstance(name, str)} - {"event", "metrics", "from", "to"}


def _tells(function: str) -> bool:
    return "figures" in function or function.startswith("evaluate")
