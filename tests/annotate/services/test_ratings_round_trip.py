"""Ratings of published sets: into a project as answers, and out again as they were."""

import json
from pathlib import Path

import pytest

from annotate.models import Judgement
from annotate.services.incoming.imports import BadFile
from tests.annotate.services.test_given_round_trip import bring, lines, out

pytestmark = pytest.mark.django_db
PRESETS = Path(__file__).parents[3] / "annotate" / "presets"
STEER = {
    **{"prompt": "Capital of France?", "response": "Paris.", "helpfulness": 4, "correctness": 4},
    **{"coherence": 3, "complexity": 0, "verbosity": None},
}
STEER2 = {
    **STEER,
    "prompt": "Hi\n<extra_id_1>Assistant\nHello!\n<extra_id_1>User\nCapital of France?",
    "verbosity": 1,
}
FEEDBACK = {
    **{"source": "sharegpt", "instruction": "Capital of France?", "models": ["large", "small"]},
    "completions": [
        {
            **{"model": "large", "response": "Paris.", "overall_score": 9.5, "critique": "Right."},
            "annotations": {
                "honesty": {"Rating": "5", "Rationale": "Sure of it."},
                "helpfulness": {"Type": ["1"], "Rating": "4", "Rationale For Rating": "Short."},
            },
        },
        {
            **{"model": "small", "response": "Lyon.", "overall_score": 1.0, "critique": "Wrong."},
            "annotations": {"honesty": {"Rating": "N/A"}, "helpfulness": {"Rating": "1"}},
        },
    ],
}


def preset(name: str) -> dict:
    return json.loads((PRESETS / f"{name}.json").read_text())["settings"]


def rows(project, format: str) -> list[dict]:
    return [json.loads(line) for line in out(project, format).splitlines()]


@pytest.mark.parametrize("row", [STEER, STEER2])
def test_helpsteer_gives_back_the_same_rows(make_project, row):
    project = make_project(kind="rating", kind_settings=preset("helpsteer"))
    other = {**row, "response": "Lyon.", "helpfulness": 0, "correctness": None}
    report = bring(project, lines(row, other), "helpsteer")
    assert (report.counts["judgements"], report.counts["kept_aside"]) == (2, 0)
    assert {one.imported_author for one in project.judgements.all()} == {"mean of annotators"}
    assert sorted(rows(project, "helpsteer"), key=str) == sorted([row, other], key=str)
    assert bring(project, lines(row, other), "helpsteer").skipped == 2
    again = make_project(kind="rating", kind_settings=preset("helpsteer"))
    bring(again, out(project, "helpsteer", file_type="parquet"), "helpsteer")
    assert rows(again, "helpsteer") == rows(project, "helpsteer")


def test_ultrafeedback_gives_back_the_same_ratings(make_project):
    project = make_project(kind="rating", kind_settings=preset("ultrafeedback"))
    report = bring(project, lines(FEEDBACK), "ultrafeedback")
    assert report.counts["judgements"] == 1
    [judgement] = project.judgements.all()
    assert judgement.imported_author == "GPT-4"
    why = "1, honesty: Sure of it.\n\n1, helpfulness: Short."
    assert judgement.rationale == why
    [made] = rows(project, "ultrafeedback")
    assert (made["instruction"], made["models"]) == ("Capital of France?", ["large", "small"])
    assert made["rationale"] == why
    for given, back in zip(FEEDBACK["completions"], made["completions"], strict=True):
        assert back["response"] == given["response"]
        assert back["annotations"] == {
            name: {"Rating": said["Rating"]} for name, said in given["annotations"].items()
        }
    again = make_project(kind="rating", kind_settings=preset("ultrafeedback"))
    bring(again, out(project, "ultrafeedback", file_type="parquet"), "ultrafeedback")
    [twice] = rows(again, "ultrafeedback")
    assert {**twice, "annotator": ""} == {**made, "annotator": ""}


def test_other_scales_come_back_as_they_were(make_project):
    half = {"type": "number", "min": 0, "max": 10, "step": 0.5}
    settings = {"criteria": [{"name": "tone", "scale": half},
                             {"name": "safe", "scale": {"type": "yes_no"}}]}  # fmt: skip
    completion = {
        **{"model": "m", "response": "Paris."},
        "annotations": {
            "tone": {"Rating": "7.5", "Scale": [0, 10]},
            "safe": {"Rating": "unsure", "Scale": "yes_no"},
        },
    }
    row = {"source": "tandem", "instruction": "Capital?", "completions": [completion]}
    project = make_project(kind="rating", kind_settings=settings)
    bring(project, lines({**row, "annotator": "w1"}), "ultrafeedback")
    [made] = rows(project, "ultrafeedback")
    assert made["completions"][0]["annotations"] == completion["annotations"]
    assert [one.imported_author for one in project.judgements.all()] == ["w1"]


def test_every_annotator_of_lists_has_a_judgement(make_project):
    project = make_project(kind="rating", kind_settings=preset("helpsteer"))
    lists = {name: [1, 2] for name in STEER if name not in ("prompt", "response")}
    bring(project, lines({**STEER, **lists}), "helpsteer")
    said = {one.imported_author: one.value["ratings"] for one in project.judgements.all()}
    assert [next(iter(said[f"annotator {n}"].values()))["helpfulness"] for n in (1, 2)] == [1, 2]


def test_it_is_told_what_became_an_answer_and_what_did_not(make_project):
    settings = {"criteria": [{"name": "Helpful"}, {"name": "accuracy"}]}
    project = make_project(kind="rating", kind_settings=settings)
    report = bring(project, lines(STEER), "helpsteer", dry_run=True)
    told = {one["name"]: one for one in report.as_json()["ratings"]}
    assert told["helpfulness"] == {
        **{"name": "helpfulness", "scale": [0, 4], "criteria": ["Helpful"]},
        **{"answers": 1, "metadata": 0},
    }
    assert (told["correctness"]["answers"], told["correctness"]["metadata"]) == (0, 1)
    assert not Judgement.objects.exists()
    chosen = {"rating.accuracy": "correctness"}
    bring(project, lines(STEER), "helpsteer", mapping=chosen)
    [judgement] = project.judgements.all()
    assert list(judgement.value["ratings"].values()) == [{"accuracy": 5}]
    [prompt] = project.prompts.all()
    [aside] = prompt.metadata["not_fitting"][0]["answers"]
    assert aside["value"]["ratings"] == {"0": {"helpfulness": 4, "coherence": 3, "complexity": 0}}
    with pytest.raises(BadFile, match=r"'tone'.*Helpful, accuracy"):
        bring(project, lines(STEER), "helpsteer", mapping={"rating.tone": "verbosity"})


def test_a_form_takes_them_beside_the_ranking(make_project):
    questions = [
        {"name": "order", "kind": "ranking"},
        {"name": "rates", "kind": "rating", "settings": preset("ultrafeedback")},
    ]
    project = make_project(kind="form", kind_settings={"questions": questions})
    report = bring(project, lines(FEEDBACK), "ultrafeedback")
    assert (report.counts["judgements"], report.counts["kept_aside"]) == (1, 0)
    [judgement] = project.judgements.all()
    assert set(judgement.value["answers"]) == {"order", "rates"}
