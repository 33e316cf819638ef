"""A comparison plan at work: votes into strengths, and strengths into the next tasks. For workers:
needs numpy.

The strengths are those of annotate/ranking/online.py, kept from one pass to the next; who meets
whom is chosen by what a comparison would tell of the whole order (annotate/ranking/matchmaking.py),
counting what the tasks that are open already will tell.
"""

import io
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from django.db import connection, transaction
from django.utils import timezone
from numpy.typing import NDArray

from annotate.forms import Form
from annotate.models import (
    ChatModel,
    ComparisonPlan,
    Judgement,
    PlannedTask,
    Project,
    Task,
    TaskResponse,
)
from annotate.ranking.ballots import Ballot
from annotate.ranking.matchmaking import JITTER, after_ballot, grow_group, pair_gains
from annotate.ranking.online import OnlineRating
from annotate.services.conversations.chat import chat_settings
from annotate.services.incoming import bulk
from annotate.services.incoming.intake import pair_key
from annotate.services.reports.board_rules import BoardRules
from annotate.services.reports.board_votes import batches
from annotate.services.reports.comparison_plans import makes_tasks, open_tasks
from annotate.services.work.tasks import open_seats
from annotate.wording import Told

Floats = NDArray[np.float64]

RULES = BoardRules(source="human", simulated="include", style=())
AFRESH = timedelta(hours=1)  # after which votes that were committed out of order are found
PROMPTS = 500  # drawn by chance in a pass, from which tasks are made
HALF_95 = 1.96


def advance_plans() -> int:
    """Bring every plan up to the votes and make the tasks that lack; run by beat. Returns how many
    tasks were made.
    """
    on = ComparisonPlan.objects.filter(is_on=True, project__archived_at=None)
    return sum(advance(project_id=pk) for pk in list(on.values_list("pk", flat=True)))


@transaction.atomic
def advance(*, project_id: int, rng: np.random.Generator | None = None) -> int:
    """One plan; returns how many tasks it made. Another process at the same plan is not waited for.

    Reading the votes costs about a millisecond each.
    """
    plans = ComparisonPlan.objects.select_for_update(skip_locked=True, of=("self",))
    plan = plans.select_related("project").filter(pk=project_id, is_on=True).first()
    if plan is None:
        return 0
    rng = rng if rng is not None else np.random.default_rng(secrets.randbits(64))
    rating = _read_votes(plan)
    offered = _offered(plan, rng)
    for name in sorted({name for one in offered for name in one.models} - set(plan.models)):
        _number(plan, rating, name)
    made, plan.told = 0, None
    if makes_tasks(plan.project):
        made = _make_tasks(plan, rating, offered, rng)
    else:
        plan.size = chat_settings(Form.of_project(plan.project)).models
        plan.groups = _groups(plan, rating, offered[0].models, rng)
    _keep(plan, rating)
    return made


def _read_votes(plan: ComparisonPlan) -> OnlineRating:
    """What the votes say, those since the last pass added; from the first one on where one of
    those was taken back, or an hour has passed.
    """
    newer = Judgement.objects.filter(project=plan.project, pk__gt=plan.read_up_to)
    is_old = plan.begun_at is None or timezone.now() - plan.begun_at > AFRESH
    if plan.state is None or newer.filter(supersedes__isnull=False).exists() or (
        is_old and newer.exists()
    ):  # fmt: skip
        plan.begun_at, plan.read_up_to, plan.votes = timezone.now(), 0, 0
        rating = OnlineRating(len(plan.models))
        counted: Counter[str] = Counter()
    else:
        with np.load(io.BytesIO(plan.state), allow_pickle=False) as arrays:
            rating = OnlineRating.of_arrays(dict(arrays))
        counted = Counter({one["model"]: one["votes"] for one in plan.standings})
    selection = RULES.select(plan.project)
    selection = replace(
        selection,
        where=f"{selection.where} AND j.id > %s",
        params=(*selection.params, plan.read_up_to),
    )
    for rows, context in batches(selection, RULES):
        for row in rows:
            for vote in context.votes(row):
                names = context.models(row, vote)
                if vote.is_bad or not vote.is_whole or "" in names or len(set(names)) < len(names):
                    continue
                if len(names) < 2:
                    continue
                numbers = iter([_number(plan, rating, name) for name in names])
                groups = tuple(tuple(next(numbers) for _ in group) for group in vote.groups)
                rating.update(Ballot(groups, vote.unasked))
                counted.update(names)
                plan.votes += 1
    plan.read_up_to = selection.last_id
    plan.standings = [{"model": name, "votes": counted[name]} for name in plan.models]
    return rating


def _number(plan: ComparisonPlan, rating: OnlineRating, name: str) -> int:
    if name not in plan.models:
        plan.models.append(name)
        rating.add_model()
        plan.standings = [*plan.standings, {"model": name, "votes": 0}]
    return plan.models.index(name)


@dataclass(frozen=True)
class Offered:
    """A prompt, and the response of each model that answered it."""

    prompt_id: int
    models: dict[str, int]


# A random stretch of the prompts, along the index of their hashes.
OFFERED = """
SELECT r.prompt_id, r.id, r.generator, r.generator_version
FROM (SELECT id FROM annotate_prompt WHERE project_id = %s AND content_hash >= %s
      ORDER BY content_hash LIMIT %s) p
JOIN annotate_response r ON r.prompt_id = p.id
WHERE r.generator <> '' ORDER BY r.prompt_id, r.id
"""


def _offered(plan: ComparisonPlan, rng: np.random.Generator) -> list[Offered]:
    """Prompts drawn by chance with two models or more; of a live chat its models, on no prompt."""
    if not makes_tasks(plan.project):
        names = ChatModel.objects.filter(project=plan.project, retired_at=None)
        return [Offered(0, dict.fromkeys(names.values_list("name", flat=True), 0))]
    start = f"{int(rng.integers(0, 16**8)):08x}"
    found: dict[int, dict[str, int]] = {}
    with connection.cursor() as cursor:
        for begin in (start, ""):
            cursor.execute(OFFERED, [plan.project_id, begin, PROMPTS])
            for prompt, response, generator, version in cursor.fetchall():
                found.setdefault(prompt, {}).setdefault(f"{generator} {version}".strip(), response)
            if len(found) >= PROMPTS:
                break
    return [Offered(pk, models) for pk, models in found.items() if len(models) > 1]


def _make_tasks(
    plan: ComparisonPlan, rating: OnlineRating, offered: Sequence[Offered], rng: np.random.Generator
) -> int:
    """Groups by gain, each on a prompt whose responses are used least; up to `ahead` open ones."""
    pending = open_tasks(plan.project)
    missing = plan.ahead - len(pending)
    if missing <= 0:
        return 0
    bulk.lock_imports(plan.project_id)
    used = Counter(
        Task.objects.filter(prompt__in=[one.prompt_id for one in offered], planned__isnull=False)
        .order_by()
        .values_list("prompt", flat=True)
    )
    free = [
        one
        for one in offered
        if len(one.models) >= plan.size and used[one.prompt_id] < plan.per_prompt
    ]
    state = _State(rating, [[plan.models.index(name) for name in one.models] for one in pending])
    chosen: list[tuple[Offered, list[str]]] = []
    while len(chosen) < missing and free:
        by_models: dict[frozenset[str], list[Offered]] = {}
        for one in free:
            by_models.setdefault(frozenset(one.models), []).append(one)
        gain_NN = state.gains(rng)
        best, best_gain, best_group = None, -np.inf, []
        for names in by_models:
            among = sorted(plan.models.index(name) for name in names)
            group, gain = grow_group(gain_NN[np.ix_(among, among)], plan.size)
            if gain > best_gain:
                best, best_gain, best_group = names, gain, [among[place] for place in group]
        least = min(used[one.prompt_id] for one in by_models[best or frozenset()])
        takes = [one for one in by_models[best or frozenset()] if used[one.prompt_id] == least]
        one = takes[int(rng.integers(len(takes)))]
        chosen.append((one, [plan.models[number] for number in best_group]))
        state.expect(best_group)
        used[one.prompt_id] += 1
        if used[one.prompt_id] >= plan.per_prompt:
            free.remove(one)
    if len(chosen) < missing:
        plan.told = Told(
            "No prompt is left that {size} models have answered and that has fewer than "
            "{most} such tasks. Import more, or raise the tasks a prompt.",
            size=plan.size,
            most=plan.per_prompt,
        ).as_dict()
    return _write_tasks(plan, chosen)


def _groups(
    plan: ComparisonPlan, rating: OnlineRating, names: Iterable[str], rng: np.random.Generator
) -> list[list[str]]:
    """Who replies in the next conversations, as many as tasks would be kept open."""
    among = sorted(plan.models.index(name) for name in names)
    if not 2 <= plan.size <= len(among):
        plan.told = Told(
            "The plan asks for {size} models; {there} are set up.",
            size=plan.size,
            there=len(among),
        ).as_dict()
        return []
    state, found = _State(rating, ()), []
    for _ in range(plan.ahead):
        group, _gain = grow_group(state.gains(rng)[np.ix_(among, among)], plan.size)
        state.expect([among[place] for place in group])
        found.append([plan.models[among[place]] for place in group])
    return found


class _State:
    """Strengths as they will be once the open tasks are judged."""

    def __init__(self, rating: OnlineRating, pending: Sequence[Sequence[int]]) -> None:
        self.mean_N, self.beta = rating.mean_N, rating.beta
        whole = rating.covariance_NN
        self.covariance_NN = np.diag(rating.variance_N) if whole is None else whole
        for group in pending:
            self.expect(group)

    def gains(self, rng: np.random.Generator) -> Floats:
        gain_NN = pair_gains(self.mean_N, self.covariance_NN, self.beta)
        noise_NN = np.triu(rng.standard_normal(gain_NN.shape), 1)
        return np.asarray(gain_NN * np.maximum(1 + JITTER * (noise_NN + noise_NN.T), 0))

    def expect(self, group: Sequence[int]) -> None:
        self.covariance_NN = after_ballot(self.mean_N, self.covariance_NN, self.beta, group)


def _write_tasks(plan: ComparisonPlan, chosen: Sequence[tuple[Offered, list[str]]]) -> int:
    """Those that are new: the same responses to the same prompt are one task."""
    project = Project.objects.get(pk=plan.project_id)
    wanted: dict[str, tuple[Offered, list[str]]] = {}
    for one, names in chosen:
        wanted[pair_key(one.prompt_id, [one.models[name] for name in names])] = (one, names)
    there = Task.objects.filter(project=project, dedup_key__in=list(wanted))
    for key in there.values_list("dedup_key", flat=True):
        del wanted[key]
    tasks = Task.objects.bulk_create(
        Task(project=project, prompt_id=one.prompt_id, dedup_key=key, overlap=project.overlap)
        for key, (one, _) in wanted.items()
    )
    TaskResponse.objects.bulk_create(
        TaskResponse(task=task, response_id=pk, position=position)
        for task, (one, names) in zip(tasks, wanted.values(), strict=True)
        for position, pk in enumerate(sorted(one.models[name] for name in names))
    )
    PlannedTask.objects.bulk_create(
        PlannedTask(task=task, project=project, models=names)
        for task, (_, names) in zip(tasks, wanted.values(), strict=True)
    )
    open_seats(tasks=tasks)
    return len(tasks)


def _keep(plan: ComparisonPlan, rating: OnlineRating) -> None:
    """The state for the next pass, and the order with 95 % intervals for the page. Ranks count the
    models whose interval lies wholly above.
    """
    mean_N, half_N = rating.mean_N, HALF_95 * np.sqrt(rating.variance_N)
    middle = float(mean_N.mean()) if len(mean_N) else 0.0
    low_N, high_N = mean_N - half_N - middle, mean_N + half_N - middle
    votes = {one["model"]: one["votes"] for one in plan.standings}
    rows = [
        {
            "model": name,
            "rank": 1 + int((low_N > high_N[number]).sum()),
            "strength": float(mean_N[number] - middle),
            "low": float(low_N[number]),
            "high": float(high_N[number]),
            "votes": votes.get(name, 0),
        }
        for number, name in enumerate(plan.models)
    ]
    plan.standings = sorted(rows, key=lambda row: (-row["strength"], row["model"]))
    held = io.BytesIO()
    np.savez_compressed(held, **rating.as_arrays())
    plan.state, plan.advanced_at = held.getvalue(), timezone.now()
    plan.save()
