"""Checking what programs send to be scored or answered: what is wrong with one row is its own."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.conf import settings

from annotate.inputs import clean_integer, clean_number, clean_text
from annotate.interchange.records import ROLES
from annotate.kinds import InvalidValue, context
from annotate.kinds.contract import Shown
from training import folders
from training.models import ModelVersion

MAX_ID_CHARS = 100
MAX_TURNS = 1000
EXCERPT_CHARS = 80
SAMPLE_FIELDS = ("n", "max_new_tokens", "temperature", "top_p", "seed")
Row = dict[str, Any]


class BadRows(Exception):
    """No row can be answered. `errors`: {row, field, value, message} of the first hundred."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(f"No row can be answered. Row {errors[0]['row']}: {errors[0]['message']}")
        self.errors = errors


def clean_score_rows(version: ModelVersion, rows: object) -> list[Row]:
    """{row, id?, prompt, responses, criteria?, person?} each, or {row, id?, error}.

    Raises InvalidValue for what is wrong with all of them, BadRows if no row is left.
    """
    people = People(version)

    def clean(row: Mapping[str, Any]) -> Row:
        known = {"id", "prompt", "context", "response", "responses", "criteria", "annotator"}
        refuse_unknown(row, known)
        found: Row = {"prompt": _stated_prompt(row), "responses": _responses(row)}
        if row.get("criteria") is not None:
            found["criteria"] = _criteria(row["criteria"])
        if row.get("annotator") is not None:
            found["person"] = people.place_of(row["annotator"])
        return found

    return _clean_rows(rows, clean)


def clean_sample_rows(rows: object) -> list[Row]:
    """{row, id?, prompt} each, or {row, id?, error}. Raises as `clean_score_rows`."""

    def clean(row: Mapping[str, Any]) -> Row:
        refuse_unknown(row, {"id", "prompt", "context"})
        return {"prompt": _stated_prompt(row)}

    return _clean_rows(rows, clean)


def clean_sampling(values: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """How to draw, with defaults. Raises InvalidValue naming the field."""
    limits = settings.SERVING
    most = max(1, limits["samples"] // max(1, rows))
    count = values.get("n", 1)
    if type(count) is int and count > most:
        raise InvalidValue(
            "n",
            "times {rows} rows is more than {most} samples; ask for fewer at once",
            rows=rows,
            most=limits["samples"],
        )
    return {
        "n": clean_integer("n", count, low=1, high=most),
        "max_new_tokens": clean_integer(
            "max_new_tokens",
            values.get("max_new_tokens", 128),
            low=1,
            high=limits["new_tokens"],
        ),
        "temperature": clean_number("temperature", values.get("temperature", 1.0), low=0, high=10),
        "top_p": clean_number("top_p", values.get("top_p", 1.0), low=0.01, high=1),
        "seed": clean_integer("seed", values.get("seed", 0), low=0, high=2**32 - 1),
    }


def clean_prompt(prompt: object) -> list[dict[str, str]]:
    """A text as the user's only turn, or a conversation of {role, content}. Raises InvalidValue."""
    if isinstance(prompt, str):
        return [{"role": "user", "content": _text("prompt", prompt)}]
    if not isinstance(prompt, list) or not 1 <= len(prompt) <= MAX_TURNS:
        raise InvalidValue(
            "prompt",
            "must be a text, or a list of 1 to {most} turns {{role, content}}",
            most=MAX_TURNS,
        )
    return [_turn(f"prompt.{place}", turn) for place, turn in enumerate(prompt)]


def _stated_prompt(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """The prompt as models read it: with what the row's `context` states. Raises InvalidValue."""
    prompt, given = clean_prompt(row.get("prompt")), row.get("context")
    if given is None:
        return prompt
    if not isinstance(given, dict):
        raise InvalidValue("context", "must be an object with criterion or situation, both texts")
    refuse_unknown(given, set(context.STATEMENTS), "context.")
    context.statements_of(Shown((), context=given))
    return context.prompt_under(prompt, given)


class People:
    """The people that a personal model was fitted to, by pseudonym. Read when first asked."""

    def __init__(self, version: ModelVersion) -> None:
        self.version = version
        self._places: dict[str, int] | None = None

    def place_of(self, annotator: object) -> int:
        """Their row in the model. Raises InvalidValue."""
        name = clean_text("annotator", annotator, max_chars=100, required=True, lines=False)
        objective = self.version.metrics.get("objective")
        if objective != "personal":
            raise InvalidValue(
                "annotator",
                "a model of objective {objective} knows no people; leave it out",
                objective=objective or "bradley_terry",
            )
        if self._places is None:
            self._places = self._read()
        if name not in self._places:
            raise InvalidValue(
                "annotator",
                "{name} is not among the {count} people that {version} was fitted to; leave it "
                "out to ask for all of them together",
                name=name,
                count=len(self._places),
                version=self.version,
            )
        return self._places[name]

    def _read(self) -> dict[str, int]:
        path = folders.run_folder(self.version.run_id) / "work" / "people.json"
        try:
            names = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InvalidValue(
                "annotator",
                "no list of people was kept when {version} was made; train again, or leave it out",
                version=self.version,
            ) from error
        return {name: place for place, name in enumerate(names)}


def _clean_rows(rows: object, clean: Callable[[Mapping[str, Any]], Row]) -> list[Row]:
    limits = settings.SERVING
    if not isinstance(rows, list) or not rows:
        raise InvalidValue("rows", "must be a list with at least one object")
    if len(rows) > limits["rows"]:
        raise InvalidValue(
            "rows",
            "has {count} rows; at most {most} fit one request, send several",
            count=len(rows),
            most=limits["rows"],
        )
    found = [_clean_row(number, row, clean) for number, row in enumerate(rows)]
    errors = [{"row": one["row"], **one["error"]} for one in found if "error" in one]
    if len(errors) == len(found):
        raise BadRows(errors[:100])
    size = sum(len(text) for one in found for text in _texts(one))
    if size > limits["chars"]:
        raise InvalidValue(
            "rows",
            "hold {count} characters; at most {most} fit one request, send several",
            count=size,
            most=limits["chars"],
        )
    return found


def _clean_row(number: int, row: object, clean: Callable[[Mapping[str, Any]], Row]) -> Row:
    named: Row = {"row": number}
    try:
        if not isinstance(row, dict):
            raise InvalidValue("", "must be an object")
        if row.get("id") is not None:
            named["id"] = _id(row["id"])
        return {**named, **clean(row)}
    except InvalidValue as error:
        path = f"rows.{number}.{error.field}".rstrip(".")
        told = {"field": path, "value": _excerpt(row, error.field), "message": error.message}
        return {**named, "error": told}


def refuse_unknown(values: Mapping[str, Any], known: set[str], within: str = "") -> None:
    """Raises InvalidValue for a field that is not known; `within` is what goes before its name."""
    for name in values:
        if name not in known:
            raise InvalidValue(
                f"{within}{name[:100]}",
                "unknown field; there are: {known}",
                known=", ".join(sorted(known)),
            )


def _responses(row: Mapping[str, Any]) -> list[str]:
    if ("response" in row) == ("responses" in row):
        raise InvalidValue(
            "responses", "give either response, a text, or responses, a list of texts"
        )
    if "response" in row:
        return [_text("response", row["response"])]
    given, most = row["responses"], settings.SERVING["responses"]
    if not isinstance(given, list) or not 1 <= len(given) <= most:
        raise InvalidValue("responses", "must be a list of 1 to {most} texts", most=most)
    return [_text(f"responses.{place}", text) for place, text in enumerate(given)]


def _criteria(given: object) -> list[str]:
    if not isinstance(given, list) or not 1 <= len(given) <= 100:
        raise InvalidValue("criteria", "must be a list of names of criteria")
    return [
        clean_text(f"criteria.{place}", name, max_chars=200) for place, name in enumerate(given)
    ]


def _turn(field: str, turn: object) -> dict[str, str]:
    if not isinstance(turn, dict):
        raise InvalidValue(field, "must be an object {role, content}")
    if turn.get("role") not in ROLES:
        raise InvalidValue(f"{field}.role", "must be one of: {choices}", choices=", ".join(ROLES))
    refuse_unknown(turn, {"role", "content"})
    return {"role": turn["role"], "content": _text(f"{field}.content", turn.get("content"))}


def _text(field: str, value: object) -> str:
    return clean_text(field, value, max_chars=settings.SERVING["chars"])


def _id(value: object) -> str | int:
    if isinstance(value, int) and not isinstance(value, bool):
        return clean_integer("id", value, low=-(2**53), high=2**53)
    return clean_text("id", value, max_chars=MAX_ID_CHARS, lines=False)


def _texts(row: Row) -> Iterator[str]:
    yield from (turn["content"] for turn in row.get("prompt", ()))
    yield from row.get("responses", ())


def _excerpt(row: object, field: str) -> str:
    """What stands at the field, as far as it is there."""
    value: Any = row
    for name in field.split(".") if field else ():
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return "null"
    return json.dumps(value, ensure_ascii=False, default=str)[:EXCERPT_CHARS]
