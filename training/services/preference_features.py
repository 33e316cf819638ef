"""Features that an autoencoder finds in people's choices: asked for, found by a worker."""

import json
import tempfile
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction

from annotate.inputs import InvalidValue, clean_integer
from annotate.models import JobState, Judge, Project, User
from annotate.services import audit, jobs
from annotate.services.reports.board_rules import BoardRules
from annotate.wording import Grouped, Refusal, Told
from routing.encoders import EncoderError, Pair, ReadingStopped, library
from routing.judges import JudgeError, JudgeInterrupted, openai
from training import encoders, folders
from training.judge import child_rows
from training.models import PreferenceFeatureRun
from training.services.preference_votes import Choices, read_choices

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from routing.models import TextEncoder
    from training.evaluation.preference_features import Ballots, Pairs

GOING = (JobState.QUEUED, JobState.RUNNING)
KEPT_RUNS = 20
RULES = ("source", "simulated", "group")
NUMBERS = {"features": (4, 256, 32), "active": (1, 64, 4), "pairs": (200, 20_000, 2000)}
FIELDS = (*RULES, *NUMBERS, "encoder", "judge", "seed")
LEAST_PAIRS = 100  # to learn features from
LEAST_VOTES = 50  # held out, to test them on


class _Stopped(Exception):
    """Somebody asked for it to stop."""


def clean_config(given: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody sent, without the judge, with its defaults. Raises InvalidValue."""
    for name in given:
        if name not in FIELDS:
            raise InvalidValue(
                str(name)[:100], "is unknown here; known: {known}", known=", ".join(FIELDS)
            )
    rules = BoardRules.clean({name: given[name] for name in RULES if name in given})
    found: dict[str, Any] = {name: getattr(rules, name) for name in RULES}
    for name, (low, high, usual) in NUMBERS.items():
        found[name] = clean_integer(name, given.get(name, usual), low=low, high=high)
    if found["active"] > found["features"]:
        raise InvalidValue(
            "active", "must be at most the number of features, {most}", most=found["features"]
        )
    found["seed"] = clean_integer("seed", given.get("seed", 0), low=0, high=2**31 - 1)
    found["encoder"] = library().clean(given.get("encoder") or library().default)
    return found


@transaction.atomic
def start_features(
    *, project: Project, actor: User, config: Mapping[str, Any], judge: Judge | None = None
) -> PreferenceFeatureRun:
    """Queue a report; the one under way, if it is of the same settings. Of reports that are over,
    the latest KEPT_RUNS stay.

    Raises InvalidValue for a bad `config`, for a judge that is no language model of the project,
    while a report of other settings is under way, and where this installation can read no texts.
    """
    cleaned = clean_config(config)
    if why := library().absent():
        raise InvalidValue("encoder", "{why}", why=why)
    if judge is not None and (judge.kind != openai.NAME or judge.project_id != project.pk):
        raise InvalidValue("judge", "must be a language model (kind openai) for this")
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    runs = PreferenceFeatureRun.objects.filter(project=project)
    going = runs.filter(state__in=GOING).first()
    if going is not None and (going.config, going.judge) == (cleaned, judge):
        return going
    if going is not None:
        raise InvalidValue("run", "another report is under way; wait for it or stop it")
    over = runs.order_by("-pk").values_list("pk", flat=True)
    runs.filter(pk__in=list(over[KEPT_RUNS:])).delete()
    run = PreferenceFeatureRun.objects.create(
        project=project, judge=judge, config=cleaned, created_by=actor
    )
    audit.record(
        action="preference_features.queued",
        target=run,
        actor=actor,
        project=project,
        **cleaned,
        judge=judge.pk if judge is not None else None,
    )
    jobs.enqueue(run)
    return run


@transaction.atomic
def cancel_features(*, run: PreferenceFeatureRun, actor: User) -> None:
    """Stop it at its next step; one that is over stays as it is."""
    if run.is_over:
        return
    jobs.request_cancel(run)
    audit.record(
        action="preference_features.cancel_asked", target=run, actor=actor, project=run.project
    )


def find_features(run_id: int) -> None:
    """Run a queued report to its end; called by the worker. Safe to call twice."""
    run = jobs.claim(PreferenceFeatureRun, run_id, owner=jobs.owner_name())
    if run is None:
        return
    from annotate.quality.newton import NotSettled  # numpy, which whoever only queues goes without

    try:
        _find(run)
    except (_Stopped, ReadingStopped):
        jobs.finish(run, JobState.CANCELLED, message="")
    except JudgeInterrupted:
        jobs.release(run, excused=True, message=Told("Waits for a worker to go on."))
    except (Refusal, JudgeError, NotSettled) as error:
        jobs.finish(run, JobState.FAILED, message=jobs.why(error))


def _find(run: PreferenceFeatureRun) -> None:
    from training.evaluation.preference_features import report
    from training.services.preference_words import describe

    config = run.config
    rules = BoardRules.clean({name: config[name] for name in RULES})

    def say(message: Told, **fields: object) -> None:
        if jobs.heartbeat(run, message=message, **fields):
            raise _Stopped

    choices = read_choices(
        project=run.project,
        rules=rules,
        most=config["pairs"],
        beat=lambda count: say(Told("{count} judgements read", count=Grouped(count))),
    )
    _require_enough(choices)
    total = len(choices.pairs)
    encoder, apart_PD = _read(
        run,
        choices,
        lambda done: say(
            Told("The encoder reads {done} of {total} pairs.", done=done, total=total),
            progress=done,
            total=total,
        ),
    )
    pairs, ballots = _columns(choices)
    feature_PM, explained = _learn(run, apart_PD, pairs, say)
    found = report(feature_PM, pairs, ballots, beat=lambda: say(Told("Reckoning effects")))
    held = int(pairs.held_P.sum())
    result = {
        **found,
        "pairs": {"training": total - held, "held_out": held},
        "explained": dict(zip(("training", "held_out"), explained, strict=True)),
        "left_out": dict(choices.left_out),
        "encoder": str(encoder),
        "described": None,
    }
    for row in result["features"]:
        for part in ("examples", "tests"):
            row[part] = [_named(choices, one) for one in row[part]]
    if run.judge is not None:
        result["described"] = describe(run, result["features"], choices.texts)
    jobs.finish(run, JobState.DONE, result=result, message="")


def _require_enough(choices: Choices) -> None:
    held = [key[1] in choices.held_out for key in choices.pairs]
    training = len(held) - sum(held)
    votes = sum(held[at] for at in choices.pair)
    if training < LEAST_PAIRS or votes < LEAST_VOTES:
        raise Refusal(
            "Too few choices: {training} pairs to learn features from, of which {least} are "
            "needed, and {votes} votes on pairs of other prompts to test them on, of which {few} "
            "are needed. Let people compare more responses.",
            training=training,
            least=LEAST_PAIRS,
            votes=votes,
            few=LEAST_VOTES,
        )


def _read(
    run: PreferenceFeatureRun, choices: Choices, beat: Any
) -> "tuple[TextEncoder, NDArray[np.float32]]":
    """The encoder that read the pairs, and their differences."""
    from routing.services.reading import embeddings_of, read_responses

    pairs = [
        Pair(at, key[2:], (choices.texts[key[2]], choices.texts[key[3]]))
        for at, key in enumerate(choices.pairs)
    ]
    encoder = read_responses(run.config["encoder"], pairs, lambda: bool(jobs.heartbeat(run)), beat)
    first = embeddings_of(encoder, [key[2] for key in choices.pairs])
    return encoder, first - embeddings_of(encoder, [key[3] for key in choices.pairs])


def _columns(choices: Choices) -> "tuple[Pairs, Ballots]":
    import numpy as np

    from training.evaluation.preference_features import Ballots, Pairs

    prompts = [key[1] for key in choices.pairs]
    lengths = [[len(choices.texts[one].strip()) for one in key[2:]] for key in choices.pairs]
    return (
        Pairs(
            np.array(prompts, dtype=np.int64),
            np.array([one in choices.held_out for one in prompts], dtype=bool),
            np.array(lengths, dtype=np.float64),
        ),
        Ballots(
            *(
                np.array(column, dtype=np.int64)
                for column in (choices.pair, choices.sign, choices.author, choices.judgement)
            )
        ),
    )


def _learn(
    run: PreferenceFeatureRun, apart_PD: "NDArray[np.float32]", pairs: "Pairs", say: Any
) -> "tuple[NDArray[np.float64], list[float]]":
    """By a child process. Raises EncoderError where the training libraries are missing."""
    import numpy as np

    if why := encoders.absent():
        raise EncoderError(why.reason, **why.values)
    names = ("features", "active", "seed")
    config = {**{name: run.config[name] for name in names}}
    config["prefix"] = config["features"] // 4
    explained: list[float] = []
    with tempfile.TemporaryDirectory(dir=folders.scratch_folder()) as scratch:
        folder = Path(scratch)
        np.savez(folder / "pairs.npz", apart_PD=apart_PD, held_P=pairs.held_P)
        job = {"duty": "sparse_features", "config": config}
        stop = partial(jobs.heartbeat, run)
        with closing(child_rows(folder, job, lambda: bool(stop()))) as rows:
            for row in rows:
                if "epoch" in row:
                    say(Told("Features are learned: round {number}.", number=row["epoch"]))
                else:
                    explained = row["explained"]
        if not explained:
            raise _Stopped
        with np.load(folder / "features.npz") as found:
            return found["feature_PM"].astype(np.float64), explained


def _named(choices: Choices, one: Mapping[str, Any]) -> dict[str, Any]:
    """A pair by its task and its responses, that with more of the feature first."""
    task, _, first, second = choices.pairs[one["pair"]]
    more, less = (first, second) if one["value"] > 0 else (second, first)
    return {"task": task, "more": more, "less": less, "value": abs(one["value"])}


def as_json(run: PreferenceFeatureRun) -> str:
    """A report as a file."""
    return json.dumps({"config": run.config, **run.result}, ensure_ascii=False)
