"""What a snapshot's data card tells, read while the snapshot is made, from what it froze."""

from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.utils import timezone

from annotate.interchange.data_card import (
    Agreement,
    CardFacts,
    Consensus,
    Question,
    Voice,
    write_card,
)
from annotate.interchange.preferences import AGGREGATIONS, TIE_RULES
from annotate.models import JobState, Project, Voices
from annotate.profile_summary import LEAST, bounded, suppress
from annotate.services.outgoing.export_filters import FILTERS, ExportFilters
from annotate.services.outgoing.snapshot_consensus import KeptConsensus

UNNAMED = ("team",)  # its name may be anybody's
TIERS = ("crowd", "expert", "no member now")
FROZEN = "FROM tandem_frozen f JOIN annotate_judgement j ON j.id = f.judgement_id"
VOICES = f"SELECT j.source, j.simulated, count(*) {FROZEN} GROUP BY 1, 2 ORDER BY 2, 1 DESC"
DAYS = f"""
SELECT (min(j.submitted_at) AT TIME ZONE 'UTC')::date::text,
    (max(j.submitted_at) AT TIME ZONE 'UTC')::date::text, count(f.flip_id) {FROZEN}
"""
ROUTES = f"""
SELECT people, judged, imported, count(*) FROM (
    SELECT bool_or(j.source = 'person') AS people, bool_or(j.source = 'judge') AS judged,
        bool_or(j.source = 'imported') AS imported
    {FROZEN} GROUP BY j.task_id
) tasks GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3
"""
JUDGES = f"""
SELECT g.name || ' v' || g.version, count(*) {FROZEN}
JOIN annotate_judge g ON g.id = j.judge_id GROUP BY g.id ORDER BY 2 DESC, 1
"""
PEOPLE = f"""
SELECT m.tier, m.languages FROM (
    SELECT DISTINCT j.annotator_id {FROZEN} WHERE j.annotator_id IS NOT NULL AND NOT j.simulated
) who LEFT JOIN annotate_membership m ON m.user_id = who.annotator_id AND m.project_id = %s
"""
VERSIONS = f"""
SELECT v.number, count(*) {FROZEN} LEFT JOIN annotate_formversion v ON v.id = j.form_version_id
GROUP BY 1 ORDER BY 1 NULLS LAST
"""
LANGUAGES = f"""
SELECT p.language, count(DISTINCT p.id) {FROZEN} JOIN annotate_task t ON t.id = j.task_id
JOIN annotate_prompt p ON p.id = t.prompt_id GROUP BY 1 ORDER BY 2 DESC, 1
"""


def card_of(
    *,
    project: Project,
    number: int,
    filters: ExportFilters,
    holds: str,
    tie_rule: str,
    aggregation: str,
    sha256: str,
    rows: Mapping[str, int],
    consensus: KeptConsensus,
) -> str:
    """The card's text. Within the transaction that froze the judgements; eight queries."""
    voices = tuple(Voice(*row) for row in _fetch(VOICES))
    [(first, last, turned)] = _fetch(DAYS)
    who = _fetch(PEOPLE, [project.pk])
    return write_card(
        CardFacts(
            project=project.pk,
            number=number,
            kind=project.kind,
            holds=holds,
            license=project.license,
            sha256=sha256,
            made=timezone.now().date().isoformat(),
            rows=rows,
            test_percent=project.test_percent,
            filters=_filters(filters),
            rules=_rules(tie_rule, aggregation),
            judgements=sum(voice.judgements for voice in voices),
            days=(first, last) if first else None,
            voices=voices,
            routes={_route(*row[:3]): row[3] for row in _fetch(ROUTES)},
            judges=dict(_fetch(JUDGES)),
            people=len(who) if not 0 < len(who) < LEAST else None,
            tiers=_tiers([tier for tier, _ in who]),
            reads=_reads([languages or [] for _, languages in who]),
            forms=dict(_fetch(VERSIONS)),
            languages=dict(_fetch(LANGUAGES)),
            turned=turned,
            agreement=_agreement(project),
            consensus=_consensus(consensus),
        )
    )


def _fetch(statement: str, params: list[Any] | None = None) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def _route(people: bool, judged: bool, imported: bool) -> str:
    """Who labelled a task."""
    who = {"people": people, "AI judges": judged, "imports": imported}
    named = [name for name, is_there in who.items() if is_there]
    return " and ".join(named) if len(named) > 1 else f"{named[0]} alone"


def _tiers(tiers: list[str | None]) -> dict[str, int | None]:
    if len(tiers) < LEAST:
        return {}
    return suppress({name: sum((tier or TIERS[-1]) == name for tier in tiers) for name in TIERS})


def _reads(languages: list[list[str]]) -> dict[str, int | None]:
    """By tag, the most frequent first. One may read several, so they add up to nothing told; tags
    that only few read are not named."""
    if len(languages) < LEAST:
        return {}
    counts: dict[str, int] = {}
    for tags in languages:
        for tag in set(tags):
            counts[tag] = counts.get(tag, 0) + 1
    told = {tag: count for tag, count in counts.items() if count >= LEAST}
    order = sorted(told, key=lambda tag: (-told[tag], tag))
    return {tag: bounded(told[tag], len(languages)) for tag in order}


def _filters(filters: ExportFilters) -> tuple[tuple[str, str], ...]:
    query = filters.as_query()
    told = []
    for one in FILTERS:
        if one.name not in query:
            continue
        value = query[one.name]
        if one.words:
            said = one.words[value]
        elif one.sort == "flag":
            said = "yes" if value else "no"
        else:
            said = "one of the project's" if one.name in UNNAMED else f"`{value}`"
        told.append((one.label, said))
    return tuple(told)


def _rules(tie_rule: str, aggregation: str) -> tuple[tuple[str, str], ...]:
    if not tie_rule:
        return (("Rows", "judgements as they are"),)
    return (("Ties", TIE_RULES[tie_rule]), ("Several judgements", AGGREGATIONS[aggregation]))


def _agreement(project: Project) -> Agreement | None:
    done = project.quality_runs.filter(state=JobState.DONE).order_by("-pk").first()
    found = done.report["voices"].get(Voices.HUMAN.value) if done else None
    if found is None:
        return None
    questions = [
        Question(
            question["question"],
            question["overall"]["items"],
            _interval(question["overall"].get("percent")),
            _interval(question["overall"].get("alpha")),
        )
        for question in found["questions"]
    ]
    day = (done.finished_at or done.created_at).date().isoformat()
    return Agreement(day, found["tasks"], found["double"], tuple(questions))


def _consensus(kept: KeptConsensus) -> Consensus | None:
    if kept.at is None:
        return None
    day = kept.at.date().isoformat()
    return Consensus(day, kept.rows, kept.sha256, kept.divergent, kept.newer, dict(kept.by_method))


def _interval(figure: Mapping[str, Any] | None) -> tuple[float, float | None, float | None] | None:
    return None if figure is None else (figure["value"], figure["low"], figure["high"])
