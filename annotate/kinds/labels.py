"""Labels out of a tree, for the task as a whole or for each response.

Settings hold the tree; a label is written as its path of names::

    {"tree": [{"name": "harm", "title": "Harmful", "children": [{"name": "violence"}]}, …]}

Value, version 1; ids are those of responses, in keys as texts::

    {"labels": ["harm/violence", "style"]}                        of the task
    {"responses": {"3": ["harm/violence"], "5": []}}              of each response

A label holds all above it: what stands above another chosen label is dropped. An empty list is
an answer, "none applies", where the project takes no label at all (`min` 0).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotate.inputs import Checks, clean_integer, clean_text
from annotate.kinds import answers, sayings
from annotate.kinds.answers import SETTINGS, AnswerSettings
from annotate.kinds.contract import Pair, Shown
from annotate.kinds.errors import InvalidValue
from annotate.kinds.sayings import Saying
from annotate.wording import translatable

NAME = "labels"
SCHEMA_VERSION = 1
RESPONSES = (1, 10)
NEEDS_CONTENT = False
SCOPES = ("task", "response")
MAX_DEPTH = 8
MAX_LABELS = 2000


@dataclass(frozen=True)
class Label:
    """A node of the tree. Names differ among the children of one node."""

    name: str
    title: str = ""
    children: tuple["Label", ...] = ()


@dataclass(frozen=True)
class LabelsSettings(AnswerSettings):
    """`leaf_only`: only labels without children may be chosen. `max` 0 stands for no limit."""

    tree: tuple[Label, ...] = field(
        default_factory=lambda: (Label(translatable("yes")), Label(translatable("no")))
    )
    scope: str = "task"
    multiple: bool = False
    leaf_only: bool = False
    min: int = 1
    max: int = 0

    @property
    def greatest(self) -> int:
        """How many labels an answer may have."""
        return (self.max or MAX_LABELS) if self.multiple else 1


def clean_settings(raw: Mapping[str, Any]) -> LabelsSettings:
    """The project's settings with defaults filled in. Raises InvalidValue."""
    given = answers.clean_fields(raw, LabelsSettings, choices={"scope": SCOPES})
    if "tree" in given:
        given["tree"] = _tree(f"{SETTINGS}.tree", given["tree"], depth=1)
    settings = LabelsSettings(**given)
    count = len(paths(settings.tree))
    if count > MAX_LABELS:
        raise InvalidValue(
            f"{SETTINGS}.tree",
            "has {count} labels; at most {most} fit",
            count=count,
            most=MAX_LABELS,
        )
    clean_integer(f"{SETTINGS}.min", settings.min, low=0, high=count)
    clean_integer(f"{SETTINGS}.max", settings.max, low=0, high=count)
    if settings.min > settings.greatest:
        raise InvalidValue(
            f"{SETTINGS}.min",
            "must be at most {greatest}, the greatest number of labels",
            greatest=settings.greatest,
        )
    return settings


def _tree(path: str, raw: object, *, depth: int) -> tuple[Label, ...]:
    entries = answers.clean_list(path, raw, low=1 if depth == 1 else 0, high=MAX_LABELS)
    if entries and depth > MAX_DEPTH:
        raise InvalidValue(
            path, "is nested deeper than {levels} levels; flatten it", levels=MAX_DEPTH
        )
    labels: dict[str, Label] = {}
    for index, entry in enumerate(entries):
        at = f"{path}.{index}"
        given = answers.clean_object(at, entry, Label.__dataclass_fields__)
        name = answers.clean_name(f"{at}.name", given.get("name"))
        if name in labels:
            raise InvalidValue(
                f"{at}.name",
                "{name} is the name of an earlier label here; choose another",
                name=name,
            )
        title = clean_text(f"{at}.title", given.get("title", ""), max_chars=200, lines=False)
        children = _tree(f"{at}.children", given.get("children", ()), depth=depth + 1)
        labels[name] = Label(name, title, children)
    return tuple(labels.values())


def paths(tree: Sequence[Label], *, above: str = "", leaf_only: bool = False) -> list[str]:
    """The labels of the tree, parents before their children."""
    found = []
    for label in tree:
        path = above + label.name
        if not (leaf_only and label.children):
            found.append(path)
        found += paths(label.children, above=f"{path}/", leaf_only=leaf_only)
    return found


def clean_value(
    raw: object, *, shown: Shown, settings: LabelsSettings, rationale: str = ""
) -> dict[str, Any]:
    """The answer in its stored form, or InvalidValue. An empty answer is no answer."""
    name = "labels" if settings.scope == "task" else "responses"
    check = Checks()
    answer = answers.begin(raw, (name,), settings=settings, rationale=rationale, check=check)
    places = {
        path: place for place, path in enumerate(paths(settings.tree, leaf_only=settings.leaf_only))
    }

    def clean(path: str, entry: object, pk: int = 0) -> list[str]:
        return _chosen(path, entry, places, settings)

    cleaned: Any
    if settings.scope == "task":
        cleaned = check.of(clean, "value.labels", answer.get("labels"))
    else:
        given = answer.get("responses")
        cleaned = check.of(answers.for_responses, "value.responses", given, shown, clean)
    confidence = check.of(answers.confidence, answer, settings) or {}
    check.end()
    return {name: cleaned, **confidence}


def _chosen(
    path: str, raw: object, places: Mapping[str, int], settings: LabelsSettings
) -> list[str]:
    """The labels in the order of the tree, without those that another one implies."""
    given = answers.clean_list(path, raw, low=0, high=len(places))
    seen: set[str] = set()
    for index, label in enumerate(given):
        if not isinstance(label, str) or label not in places:
            if settings.leaf_only:
                raise InvalidValue(
                    f"{path}.{index}", "must be a label without children of the project's tree"
                )
            raise InvalidValue(f"{path}.{index}", "must be a label of the project's tree")
        if label in seen:
            raise InvalidValue(
                f"{path}.{index}", "{name} stands there twice; leave one out", name=label
            )
        seen.add(label)
    implied = {above for label in given for above in with_ancestors(label) if above != label}
    labels = sorted(seen - implied, key=places.__getitem__)
    if not settings.min <= len(labels) <= settings.greatest:
        least, most = settings.min, settings.greatest
        count = len(labels)
        if least == most:
            raise InvalidValue(path, "has {count} labels; choose {most}", count=count, most=most)
        raise InvalidValue(
            path,
            "has {count} labels; choose {least} to {most}",
            count=count,
            least=least,
            most=most,
        )
    return labels


def with_ancestors(label: str) -> list[str]:
    """The label and all above it, from the top: "a/b" -> ["a", "a/b"]."""
    names = label.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names) + 1)]


def pairs(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Pair]:
    """None: labels prefer no response to another."""
    return []


def said(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Saying]:
    """The labels chosen for the task or for each response, as one."""
    chosen = {"": value["labels"]} if "labels" in value else value.get("responses", {})
    return [sayings.Label("", about, " + ".join(labels)) for about, labels in chosen.items()]


def distance(a: Mapping[str, Any], b: Mapping[str, Any], response_ids: Sequence[int]) -> float:
    """One minus the Jaccard index of the label sets, each label with all above it.

    Adding the ancestors is Kiritchenko, Matwin, Nock and Famili's way to let near misses in a
    hierarchy count for something (Canadian AI 2006): siblings are nearer than strangers. Two
    empty sets are at 0. For labels of responses, the mean over them.
    """
    if "labels" in a and "labels" in b:
        return _apart(a["labels"], b["labels"])
    ours, theirs = a.get("responses", {}), b.get("responses", {})
    both = [pk for pk in map(str, response_ids) if pk in ours and pk in theirs]
    return answers.mean([_apart(ours[pk], theirs[pk]) for pk in both]) if both else 1.0


def _apart(a: Sequence[str], b: Sequence[str]) -> float:
    ours = {node for label in a for node in with_ancestors(label)}
    theirs = {node for label in b for node in with_ancestors(label)}
    return 1 - len(ours & theirs) / len(ours | theirs) if ours or theirs else 0.0
