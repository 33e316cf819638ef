"""Pairs of two subjects, on which people like opposite lengths."""

import random

COOK, LAW = (
    "Give me a recipe to bake a dish for {} guests.",
    "May a court void contract {}, by law?",
)


def rows(
    cooking: int, law: int, *, people: int = 3, start: int = 0, right: float = 0.85
) -> list[dict]:
    """People like the longer answer to a cook and the shorter one to a lawyer, most of the time."""
    found = []
    draw = random.Random(start)
    for number in range(start, start + cooking + law):
        cooks = number - start < cooking
        texts = [f"Short words {number}.", f"Long words {number} " + "word " * 30]
        best = 1 if cooks else 0
        votes = [best if draw.random() < right else 1 - best for _ in range(people)]
        labels = [{"preferred": vote, "annotator": f"p{n}"} for n, vote in enumerate(votes)]
        prompt = (COOK if cooks else LAW).format(number)
        labelled = {"labels": labels} if people else {}
        found.append({"id": f"r{number}", "prompt": prompt, "responses": texts, **labelled})
    return found
