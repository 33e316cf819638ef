"""MultiPref's comparisons: the whole and aspects of it, by crowd workers and experts.

Source: the columns of allenai/multipref (Miranda et al. 2024, arXiv 2410.19133).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from annotate.interchange import trl
from annotate.interchange.formats import ExportFormat, ImportFormat, Rows
from annotate.interchange.given import published
from annotate.interchange.preferences import Judged
from annotate.interchange.records import RowProblem
from annotate.interchange.responses import LIMITS, parse
from annotate.interchange.sets.judged_pairs import Compared, comparisons, points, said_by
from annotate.interchange.sets.reshaped import objects_of, others, reshaped
from annotate.kinds import pairwise
from annotate.wording import translatable

WORKERS = ("normal_worker_annotations", "expert_worker_annotations")
PREFERENCES: dict[str, dict[str, Any]] = {
    "A-is-clearly-better": {"preferred": 0, "strength": 2},
    "A-is-slightly-better": {"preferred": 0, "strength": 1},
    "Tie": {"verdict": "tie"},
    "B-is-slightly-better": {"preferred": 1, "strength": 1},
    "B-is-clearly-better": {"preferred": 1, "strength": 2},
}
_TAKEN = (
    *("comparison_id", "text", "completion_a", "completion_b", "model_a", "model_b", "id"),
    *WORKERS,
)


def _reshape(row: Mapping[str, Any]) -> dict[str, Any]:
    labels = []
    for workers in WORKERS:
        given = objects_of(row, workers) if row.get(workers) is not None else []
        labels += [_label(one, f"{workers}[{place}]") for place, one in enumerate(given)]
    return {
        **others(row, *_TAKEN),
        "id": row.get("id", row.get("comparison_id")),
        "prompt": row.get("text"),
        "responses": [
            {"text": row.get("completion_a"), "model": row.get("model_a")},
            {"text": row.get("completion_b"), "model": row.get("model_b")},
        ],
        "labels": labels,
    }


def _label(one: Mapping[str, Any], name: str) -> dict[str, Any]:
    said = one.get("overall_pref")
    if not isinstance(said, str) or said not in PREFERENCES:
        raise RowProblem(
            f"{name}.overall_pref", said, "Expected one of {verdicts}.",
            verdicts=", ".join(PREFERENCES),
        )  # fmt: skip
    told = published(
        LIMITS,
        why=(one.get("rationale"), f"{name}.rationale"),
        when=(one.get("timestamp"), f"{name}.timestamp"),
        seconds=one.get("time_spent"),
    )
    return {**PREFERENCES[said], "annotator": one.get("evaluator"), **told}


def recognises(row: Mapping[str, Any]) -> bool:
    return "completion_a" in row and "completion_b" in row


def write(rows: Sequence[Judged]) -> Rows:
    for found in comparisons(rows):
        row, _, first, second = found[0]
        prompt = row.prompt
        by_crowd = [one for one in found if not one.row.provenance["expert"]]
        by_experts = [one for one in found if one.row.provenance["expert"]]
        yield {
            "comparison_id": str(row.task_id),
            "prompt_id": str(prompt.id),
            "text": trl.write_plain(prompt.system, prompt.turns, "", "")["prompt"],
            "completion_a": first.said,
            "model_a": first.generator,
            "completion_b": second.said,
            "model_b": second.generator,
            "source": "",
            "category": prompt.stratum,
            "subject_study": "",
            "highest_level_degree": "",
            "normal_worker_annotations": [_annotation(one) for one in by_crowd],
            "expert_worker_annotations": [_annotation(one) for one in by_experts],
        }


def _annotation(one: Compared) -> dict[str, Any]:
    first, origin = one.first.id, one.row.provenance
    found = {
        "evaluator": said_by(one.row),
        "timestamp": origin["submitted_at"],
        "time_spent": origin["seconds_active"],
        **({"rationale": origin["rationale"]} if origin["rationale"] else {}),
        **_preference("overall", one.value, first),
    }
    for name, said in one.value.get("criteria", {}).items():
        found |= _preference(name, said, first)
        found[f"{name}_checked_reasons"] = list(said.get("reasons", ()))
        found[f"{name}_own_reason"] = said.get("own_reason", "")
    return found


def _preference(name: str, said: Mapping[str, Any], first: int) -> dict[str, Any]:
    found = {f"{name}_pref": _words(points(said, first))}
    if said.get("confidence"):
        found[f"{name}_confidence"] = f"{said['confidence']}-confident"
    return found


def _words(said: int) -> str:
    if not said:
        return "Tie"
    better = "A" if said < 0 else "B"
    return f"{better}-is-{'slightly' if abs(said) == 1 else 'clearly'}-better"


MULTIPREF = ImportFormat(
    "multipref",
    translatable("MultiPref"),
    reshaped(
        _reshape,
        parse,
        {
            **{"responses[0].text": "completion_a", "responses[1].text": "completion_b"},
            **{"responses[0].model": "model_a", "responses[1].model": "model_b"},
            **{"responses": "completion_a", "prompt": "text", "id": "comparison_id"},
        },
    ),
    recognises,
)
TO_MULTIPREF = ExportFormat(
    "multipref",
    translatable("MultiPref"),
    {
        **{"comparison_id": "text", "prompt_id": "text", "text": "text", "completion_a": "text"},
        **{"model_a": "text", "completion_b": "text", "model_b": "text", "source": "text"},
        **{"category": "text", "subject_study": "text", "highest_level_degree": "text"},
        **dict.fromkeys(WORKERS, "json"),
    },
    write_task=write,
    kinds=frozenset({pairwise.NAME}),
)
