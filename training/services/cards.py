"""The model card of a version, from its rows: written once, when the version is made."""

from pathlib import Path
from typing import Any

from django.db.models import Count

from annotate.models import Judgement
from annotate.wording import Told
from training import folders
from training.evaluation.card import CardFacts, Say, Write, in_english, write_card
from training.models import ModelVersion, TrainingRun
from training.services.reasons import trigger_words

NAME = "README.md"
OF_SNAPSHOT = {"rows": 0, "holds": "", "tie_rule": "", "aggregation": "", "split": {}, "sha256": ""}
NOT_SHOWN = {"base_model", "data", "parent"}  # told elsewhere, or a path of this machine


def write_readme(*, run: TrainingRun, kind: str, metrics: dict[str, Any], folder: Path) -> None:
    """Write the card into the model's folder, by rename. May be repeated: the text is the same."""
    partial = folder.parent / f".{folder.name}.{NAME}.partial"
    partial.write_text(run_card(run, kind=kind, metrics=metrics), encoding="utf-8")
    partial.replace(folder / NAME)


def model_card(version: ModelVersion) -> str:
    """The card in the version's folder; of an older version, made from its rows now."""
    path = folders.model_folder(version.path) / NAME
    if path.is_file():
        return path.read_text(encoding="utf-8")
    return run_card(version.run, kind=version.kind, metrics=version.metrics)


def card_in_words(version: ModelVersion, say: Say, write: Write) -> str:
    """The card for a page in another language than the file's, from its rows."""
    return run_card(version.run, kind=version.kind, metrics=version.metrics, say=say, write=write)


def run_card(
    run: TrainingRun,
    *,
    kind: str,
    metrics: dict[str, Any],
    say: Say = in_english,
    write: Write = str,
) -> str:
    """The card of what a run made. Four queries at most; they read the snapshot's judgements."""
    snapshot, judged = run.snapshot, Judgement.objects.none()
    if snapshot is not None:
        judged = snapshot.judgements.all()
    counts = judged.values("source").annotate(count=Count("pk")).order_by("source")
    sources = {row["source"]: row["count"] for row in counts}
    who = judged.aggregate(
        people=Count("annotator", distinct=True), judges=Count("judge", distinct=True)
    )
    facts = CardFacts(
        kind=kind,
        run=run.pk,
        project=run.project_id,
        asked=run.project.kind,
        base_model=run.environment.get("base_model", "unknown"),
        recipe=run.recipe,
        config={name: value for name, value in run.config.items() if name not in NOT_SHOWN},
        snapshot={name: getattr(snapshot, name, none) for name, none in OF_SNAPSHOT.items()},
        sources=sources,
        annotators=who["people"] or 0,
        judges=who["judges"] or 0,
        metrics=metrics.get("test", {}),
        scored=metrics.get("scored", {}),
        learned=metrics.get("data") or {},
        lineage=_lineage(run),
    )
    return write_card(facts, say, write)


def _lineage(run: TrainingRun) -> tuple[tuple[Told, str | Told], ...]:
    """From the model back to the single judgements."""
    of = {"run": run.pk, "project": run.project_id, "seed": run.seed}
    lines: list[tuple[Told, str | Told]] = [
        (Told("Run"), Told("{run} of project {project}, seed {seed}", **of))
    ]
    lines.append((Told("Started by"), trigger_words(run)))
    parent = ModelVersion.objects.filter(pk=run.config.get("parent")).first()
    if parent is not None:
        which = f"{parent.kind} v{parent.number}, `{parent.sha256}`"
        lines.append((Told("Went on from"), which))
    if run.snapshot is not None:
        lines.append((Told("Snapshot"), f"{run.snapshot.number}, `{run.snapshot.sha256}`"))
        rows = (
            f"/api/v1/projects/{run.project_id}/export/?snapshot={run.snapshot.number}&format=raw"
        )
        lines.append((Told("Exactly these judgements"), f"`{rows}`"))
    lines.append((Told("Code"), str(run.environment.get("code", "unknown"))))
    packages = run.environment.get("packages", {})
    named = ", ".join(f"{name} {version}" for name, version in sorted(packages.items()))
    return (*lines, (Told("Packages"), named)) if named else tuple(lines)
