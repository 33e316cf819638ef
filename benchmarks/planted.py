"""Small data sets with a rule that one kind of reward model can learn and plain pairs cannot.

Each function writes a dataset folder of judgements and, beside it in `pairs/`, the same as pairs;
it returns nothing. Texts are made of everyday words, so that any encoder tells them apart.
"""

import json
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from annotate.kinds import KINDS
from annotate.kinds.context import prompt_under

SUBJECTS = ("the garden", "a bicycle", "some soup", "the library", "my neighbour", "a train")
PLACES = ("near the river", "in the morning", "for the children", "after the rain", "at home")
Row = dict[str, Any]


def circle(folder: Path, *, train: int = 120, test: int = 60, seed: int = 0) -> None:
    """Rock beats scissors, scissors beat paper, paper beats rock; every pair with equal chance."""
    beats = {"rock": "scissors", "scissors": "paper", "paper": "rock"}
    names = list(beats)

    def make(rng: random.Random, number: int) -> Row:
        first, second = rng.sample(names, 2)
        texts = [f"{name}, {_filler(rng)}" for name in (first, second)]
        return _pairwise(number, _question(rng), texts, better=int(beats[second] == first))

    _write(folder, make, train, test, seed)


def people(folder: Path, *, train: int = 240, test: int = 120, seed: int = 0) -> None:
    """Half of ten people want poems, the other half numbers; each judges other pairs."""

    def make(rng: random.Random, number: int) -> Row:
        person = rng.randrange(10)
        texts = [f"A poem about {_filler(rng)}", f"A table of numbers about {_filler(rng)}"]
        rng.shuffle(texts)
        wants = "A poem" if person < 5 else "A table"
        better = next(i for i, text in enumerate(texts) if text.startswith(wants))
        return _pairwise(number, _question(rng), texts, better, annotator=f"person-{person}")

    _write(folder, make, train, test, seed)


def contexts(
    folder: Path, *, told: bool = True, train: int = 400, test: int = 100, seed: int = 0
) -> None:
    """A joke against a measurement, under the criterion which is funnier or which is more exact:
    the same pair is judged the other way round under the other. told: whether pairs tell it.
    """
    criteria = ("Which is funnier?", "Which is more exact?")

    def make(rng: random.Random, number: int) -> Row:
        subject = _filler(rng)
        texts = [f"{subject}. Ha, a joke!", f"{subject}. Measure: 3.14 mm."]
        asked = rng.randrange(2)
        first = rng.randrange(2)
        both = {1: texts[first], 2: texts[1 - first]}
        preferred = 1 if asked == first else 2
        value = {"verdict": "prefer", "preferred": preferred, "strength": 1}
        value["under"] = criteria[asked]
        context = {"criterion": criteria[asked]}
        return as_row(number, _question(rng), both, "context", value, context=context)

    _write(folder, make, train, test, seed)
    if not told:
        for name in ("train", "test"):
            rows = [json.loads(line) for line in (folder / f"{name}.jsonl").open(encoding="utf-8")]
            rows = [row | {"context": {}} for row in rows]
            write_lines(
                folder / "pairs" / f"{name}.jsonl", [p for row in rows for p in _pairs(row)]
            )


def untold_contexts(folder: Path, **sizes: int) -> None:
    """The same, with pairs that do not tell the criterion."""
    contexts(folder, told=False, **sizes)


QUALITIES = {
    "funny": ("Tell me a bedtime story.", "Ha, a joke! "),
    "exact": ("Write a technical manual.", "Measure: 3.14 mm. "),
    "polite": ("Answer an angry letter.", "Dear madam, please. "),
    "green": ("Plan a garden.", "A tall oak tree. "),
}


def criteria(folder: Path, *, train: int = 150, test: int = 75, seed: int = 0) -> None:
    """Four qualities are rated, a third of the ratings missing; what counts overall is the one
    that the prompt asks for. Of the training rows one in eight tells the overall rating.
    """

    def make(rng: random.Random, number: int) -> Row:
        counts = rng.choice(list(QUALITIES))
        tells = number > train or rng.random() < 1 / 8
        texts, ratings = {}, {}
        for pk in (1, 2):
            levels = {name: rng.randint(1, 5) for name in QUALITIES}
            texts[pk] = f"{_filler(rng)}. " + "".join(
                sign * levels[name] for name, (_, sign) in QUALITIES.items()
            )
            told = {name: level if rng.random() > 1 / 3 else None for name, level in levels.items()}
            ratings[str(pk)] = {**told, "overall": levels[counts] if tells else None}
        scales = {name: [1, 5] for name in (*QUALITIES, "overall")}
        value = {"ratings": ratings, "scales": scales, "overall": "overall"}
        return as_row(number, QUALITIES[counts][0], texts, "rating", value)

    _write(folder, make, train, test, seed)


def errors(folder: Path, *, train: int = 80, test: int = 40, seed: int = 0) -> None:
    """Six sentences, each wrong with one chance in three; what is wrong is marked."""
    wrong = ("The moon is made of cheese", "Fish live on clouds", "Two and two make nine")

    def make(rng: random.Random, number: int) -> Row:
        text, marks = "", []
        for _ in range(6):
            bad = rng.random() < 1 / 3
            subject = rng.choice(wrong) if bad else f"I saw {rng.choice(SUBJECTS)}"
            sentence = f"{subject} {rng.choice(PLACES)}."
            if bad:
                place = {"start": len(text), "end": len(text) + len(sentence)}
                marks.append({"response": 1, "part": 0, "type": "false", **place})
            text += sentence + " "
        value = {"marks": marks, "missing": [], "corrected": {}, "no_error": not marks}
        return as_row(number, _question(rng), {1: text}, "spans", value, categories={"false": "C2"})

    _write(folder, make, train, test, seed)


def solutions(folder: Path, *, train: int = 80, test: int = 40, seed: int = 0) -> None:
    """Five steps, each wrong with one chance in four."""

    def make(rng: random.Random, number: int) -> Row:
        labels = [-1 if rng.random() < 0.25 else 1 for _ in range(5)]
        steps = [
            f"Guess that {_filler(rng)}, who knows why."
            if label < 0
            else f"From the last line it follows that {_filler(rng)}."
            for label in labels
        ]
        value = {"labels": {"1": labels}, "mode": "each", "split": "blank_lines"}
        return as_row(number, _question(rng), {1: "\n\n".join(steps)}, "steps", value)

    _write(folder, make, train, test, seed)


def rankings(
    folder: Path, *, size: int = 6, train: int = 40, test: int = 40, seed: int = 0
) -> None:
    """Orders drawn from Plackett-Luce by the number of praises in a text, told by best and worst.

    Only the ends of each order are known: as pairs, most of what it says is lost or out of balance.
    """

    def make(rng: random.Random, number: int) -> Row:
        praises = [rng.randint(0, 4) for _ in range(size)]
        begun = rng.sample([f"{s} {p}" for s in SUBJECTS for p in PLACES], size)
        texts = {i + 1: f"{begun[i]}. {'Lovely. ' * n}" for i, n in enumerate(praises)}
        # Gumbel noise on rewards and sorting is drawing from Plackett-Luce.
        noisy = {pk: n - math.log(-math.log(rng.random())) for pk, n in enumerate(praises, start=1)}
        order = sorted(noisy, key=lambda pk: -noisy[pk])
        value = {"verdict": "best_worst", "best": order[0], "worst": order[-1]}
        return as_row(number, _question(rng), texts, "ranking", value)

    _write(folder, make, train, test, seed)


WORTH = {"funny": 0.9, "exact": 0.5, "polite": -0.4, "green": -0.7}
"""What a planted reward gives for each sign of a quality."""


def long_rankings(
    folder: Path, *, care: int = 0, train: int = 50, test: int = 150, seed: int = 0
) -> None:
    """Whole orders of two to ten texts, drawn from Plackett-Luce by a weighted sum of qualities.

    care: only the first so many places are, the rest in any order, as people do who pick the best
    and leave the others where they stood; 0: all. The same texts with every care. Held out are
    pairs in the order of the planted reward itself, without noise.
    """

    def make(rng: random.Random, number: int) -> Row:
        held_out = number > train
        size = 2 if held_out else rng.randint(2, 10)
        levels = [{name: rng.randint(0, 3) for name in WORTH} for _ in range(size)]
        texts = {
            pk: f"{_filler(rng)}. " + "".join(QUALITIES[name][1] * n for name, n in level.items())
            for pk, level in enumerate(levels, start=1)
        }
        worth = [sum(WORTH[name] * n for name, n in level.items()) for level in levels]
        noise = [-math.log(-math.log(rng.random())) for _ in levels]
        rest = rng.sample(range(1, size + 1), size)
        if held_out:
            noise = [0.0, 0.0]
        order = sorted(texts, key=lambda pk: -(worth[pk - 1] + noise[pk - 1]))
        if care and not held_out:
            order = order[:care] + [pk for pk in rest if pk not in order[:care]]
        value = {"verdict": "full", "tiers": [[pk] for pk in order]}
        return as_row(number, _question(rng), texts, "ranking", value)

    _write(folder, make, train, test, seed)


def _filler(rng: random.Random) -> str:
    return f"{rng.choice(SUBJECTS)} {rng.choice(PLACES)}"


def _question(rng: random.Random) -> str:
    return f"Say something about {rng.choice(SUBJECTS)}."


def _pairwise(number: int, prompt: str, texts: Sequence[str], better: int, **more: Any) -> Row:
    value = {"verdict": "prefer", "preferred": better + 1, "strength": 1}
    return as_row(number, prompt, dict(enumerate(texts, start=1)), "pairwise", value, **more)


def as_row(
    number: int, prompt: str, texts: dict[int, str], kind: str, value: Row, **more: Any
) -> Row:
    """A judgement; `more` are `annotator`, `categories` and the like."""
    return {
        "id": number,
        "prompt_id": number,
        "prompt": [{"role": "user", "content": prompt}],
        "responses": [{"id": pk, "text": text} for pk, text in texts.items()],
        "kind": kind,
        "value": value,
        "source": "person",
        **more,
    }


def _write(
    folder: Path, make: Callable[[random.Random, int], Row], train: int, test: int, seed: int
) -> None:
    rng = random.Random(seed)
    rows = [make(rng, number) for number in range(1, train + test + 1)]
    write_rows(folder, rows[:train], rows[train:])


def write_rows(folder: Path, train: Sequence[Row], test: Sequence[Row]) -> None:
    """The folder of judgements, and their pairs; `annotator` and `categories` go to the origins."""
    origins = []
    (folder / "pairs").mkdir(parents=True, exist_ok=True)
    for name, rows in (("train", train), ("test", test)):
        kept = []
        for row in rows:
            row = dict(row)
            more = {"annotator": row.pop("annotator", "someone")}
            more["categories"] = row.pop("categories", {})
            origins.append({"id": row["id"], **more})
            kept.append(row)
        write_lines(folder / f"{name}.jsonl", kept)
        write_lines(folder / "pairs" / f"{name}.jsonl", [p for row in kept for p in _pairs(row)])
    write_lines(folder / "origins.jsonl", origins)


def _pairs(row: Row) -> list[Row]:
    texts = {response["id"]: response["text"] for response in row["responses"]}
    shared = {name: row[name] for name in ("id", "prompt_id", "source")}
    stated = prompt_under(row["prompt"], row.get("context", {}))
    return [
        {
            **shared,
            "prompt": stated if p.stated else row["prompt"],
            "chosen": texts[p.chosen],
            "rejected": texts[p.rejected],
            "tie": p.tie,
        }
        for p in KINDS[row["kind"]].pairs(row["value"], list(texts))
    ]


def write_lines(path: Path, rows: Sequence[Row]) -> None:
    """A JSON line for each row."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
