"""Orders by what tasks hold: their features, and whose responses they compare. For workers: needs
numpy.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annotate.models import Judgement, Project, Response, TaskResponse
from annotate.wording import Told
from routing.encoders import EncoderError
from routing.models import FeatureSpecification, of_people
from routing.policies.contract import Floats
from routing.selection.diversity import k_center_with_distance
from routing.selection.dueling import Duels, in_order_of_duels
from routing.services.featurising import current_specification, spec_of, tags_and_scores
from routing.services.pools import (
    BATCH,
    REASONS,
    Chosen,
    NothingToGoOn,
    Order,
    Pool,
    Stopped,
    lacking,
    pairs_among,
)
from routing.words.reasons import why

MOST_LABELLED = 2000  # labelled tasks that diversity keeps away from, the newest
MOST_DUELS = 20_000  # past comparisons that generators' utilities are learned from, the newest
MOST_GENERATORS = 100


def by_diversity(pool: Pool) -> Order:
    """Greedy k-center over the features, away from what people labelled last."""
    try:
        spec = current_specification(project=pool.project, should_stop=lambda: pool.step(0))
    except EncoderError:
        raise
    except ValueError as error:
        raise NothingToGoOn("Features need tasks with two responses; there is none.") from error
    names = spec_of(spec).names
    labelled = _labelled(pool.project)
    task_ids, tags_NT, scores_N9 = _features(pool, spec, pool.task_ids)
    _, tags_MT, scores_M9 = _features(pool, spec, labelled)
    centre, spread = _centre_and_spread(scores_N9)

    def look() -> None:
        if pool.step(len(pool.task_ids)):
            raise Stopped

    def points(tags: NDArray[np.bool_], scores: Floats) -> Floats:
        return np.hstack([tags.astype(float), np.nan_to_num((scores - centre) / spread)])

    picked = k_center_with_distance(
        points(tags_NT, scores_N9),
        min(pool.most, len(task_ids)),
        chosen_MD=points(tags_MT, scores_M9),
        each=look,
    )
    common = tags_MT.mean(0) if len(tags_MT) else tags_NT.mean(0)
    chosen = []
    for row, distance in picked:
        rarest = sorted(np.flatnonzero(tags_NT[row]), key=lambda tag: common[tag])[:REASONS]
        reasons = [why("rare", names[tag], 100 * common[tag]) for tag in rarest]
        chosen.append(Chosen(task_ids[row], distance, reasons))
    return Order(chosen, lacking(pool, len(task_ids), Told("have not two responses")))


def _centre_and_spread(scores_N9: Floats) -> tuple[Floats, Floats]:
    """Of each column, without what is unknown; (0, 1) where nothing is known or all is alike."""
    known = np.isfinite(scores_N9)
    count = np.maximum(known.sum(0), 1)
    centre = np.where(known, scores_N9, 0.0).sum(0) / count
    spread = np.sqrt((np.where(known, scores_N9 - centre, 0.0) ** 2).sum(0) / count)
    return centre, np.where(spread > 0, spread, 1.0)


def _features(
    pool: Pool, spec: FeatureSpecification, ids: Sequence[int]
) -> tuple[list[int], NDArray[np.bool_], Floats]:
    """Of the tasks that hold two responses; the features that lack are computed and kept."""
    kept: list[int] = []
    parts: list[tuple[NDArray[np.bool_], Floats]] = []
    for start in range(0, len(ids), BATCH):
        if pool.step(start):
            raise Stopped
        pairs = pairs_among(ids[start : start + BATCH])
        if pairs:
            parts.append(tags_and_scores(spec, pairs, lambda at=start: pool.step(at)))
            kept += pairs
    pure = spec_of(spec)
    if not parts:
        return [], np.zeros((0, len(pure.names)), dtype=bool), np.zeros((0, 9))
    return kept, np.vstack([tags for tags, _ in parts]), np.vstack([one for _, one in parts])


def _labelled(project: Project) -> list[int]:
    """Tasks that people answered, the newest; no list of a million ids is made."""
    rows = Judgement.objects.labels().filter(project=project).exclude(source=Judgement.Source.JUDGE)
    newest = rows.order_by("-pk").values_list("task_id", flat=True)[: 2 * MOST_LABELLED]
    return list(dict.fromkeys(newest))[:MOST_LABELLED]


def by_duels(pool: Pool) -> Order:
    """The generators' dueling bandit: the best one against the one that may beat it."""
    pairs = _generators(pool.task_ids)
    known = {task: pair for task, pair in pairs.items() if pair[0] != pair[1]}
    past = _past_duels(pool.project)
    names = sorted({name for pair in known.values() for name in pair})
    if len(names) < 2:
        raise NothingToGoOn(
            "The open tasks do not say which generators made their responses, or all are of one; "
            "import them with a generator for each response."
        )
    if len(names) > MOST_GENERATORS:
        raise NothingToGoOn(
            "The open tasks hold responses of {count} generators; a duel needs at most {most}. "
            "Name generators by model and version, not by response.",
            count=len(names),
            most=MOST_GENERATORS,
        )
    number = {name: place for place, name in enumerate(names)}
    arms = np.eye(len(names))
    seen = [(one, other, won) for one, other, won in past if one in number and other in number]
    model = Duels.fit(
        arms[[number[one] for one, _, _ in seen]],
        arms[[number[other] for _, other, _ in seen]],
        np.array([won for _, _, won in seen], dtype=float),
    )
    tasks = sorted(known)
    in_order = in_order_of_duels(
        model,
        arms,
        [(number[known[task][0]], number[known[task][1]]) for task in tasks],
        pool.most,
    )
    chosen = []
    for row, utility, bound in in_order:
        one, other = sorted(known[tasks[row]], key=lambda name: -model.theta_D[number[name]])
        reasons = [why("best", one, utility), why("rival", other, bound)]
        chosen.append(Chosen(tasks[row], bound, reasons))
    missing = lacking(
        pool, len(known), Told("have not two responses of two generators that are named")
    )
    missing += [] if seen else [Told("No comparison of these generators is labelled yet.")]
    return Order(chosen, missing)


def _generators(task_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """The generators of a task's two responses, by task that has two with names."""
    found: dict[int, tuple[str, str]] = {}
    for start in range(0, len(task_ids), BATCH):
        ids = pairs_among(task_ids[start : start + BATCH])
        places = TaskResponse.objects.filter(task__in=ids).order_by("task_id", "position")
        named: dict[int, list[str]] = {}
        rows = places.values_list("task_id", "response__generator", "response__generator_version")
        for task, generator, version in rows:
            named.setdefault(task, []).append(f"{generator} {version}".strip())
        found |= {task: (two[0], two[1]) for task, two in named.items() if all(two)}
    return found


def _past_duels(project: Project) -> list[tuple[str, str, float]]:
    """(generator, generator, 1 if people preferred the first, 0 the second, 1/2 neither)."""
    answers = Judgement.objects.labels().filter(project=project)
    newest = list(of_people(answers).order_by("-pk").values_list("task_id", "value")[:MOST_DUELS])
    pairs = _generators(sorted({task for task, _ in newest}))
    winners = {value.get("preferred") for task, value in newest if task in pairs}
    made = Response.objects.filter(pk__in=[one for one in winners if one is not None])
    generator_of = {
        pk: f"{name} {version}".strip()
        for pk, name, version in made.values_list("pk", "generator", "generator_version")
    }
    found = []
    for task, value in newest:
        if task in pairs and pairs[task][0] != pairs[task][1]:
            one, other = pairs[task]
            won = {one: 1.0, other: 0.0}.get(generator_of.get(value.get("preferred"), ""), 0.5)
            found.append((one, other, won))
    return found
