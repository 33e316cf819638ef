"""Taking signals in, many at a time: good rows are kept, bad ones told, known ones left alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from annotate.inputs import (
    BIGINT_MAX,
    InvalidValue,
    clean_choice,
    clean_integer,
    clean_text,
    clean_time,
    refuse_unstorable,
)
from annotate.models import Project, Prompt, Response, Signal, SignalType, content_hash

MOST_AT_ONCE = 1000
MOST_CHARS = 100_000
MOST_TURNS = 200
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
FIELDS = (
    *("key", "type", "response", "prompt", "completion", "generator", "generator_version"),
    *("edited", "end_user", "happened_at"),
)


@dataclass
class Taken:
    """What became of the rows; `errors` by their index."""

    created: int = 0
    known: int = 0
    errors: list[tuple[int, InvalidValue]] = field(default_factory=list)


@transaction.atomic
def take_signals(*, project: Project, rows: object) -> Taken:
    """Keep the good rows; one whose key is there already changes nothing.

    Raises InvalidValue where `rows` is no list of up to MOST_AT_ONCE. Four queries.
    """
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_AT_ONCE:
        raise InvalidValue("signals", "must be a list of 1 to {most} signals", most=MOST_AT_ONCE)
    taken = Taken()
    clean: dict[str, Signal] = {}
    index_of: dict[str, int] = {}
    for index, row in enumerate(rows):
        try:
            signal = _clean(project, row)
        except InvalidValue as error:
            taken.errors.append((index, error))
            continue
        if signal.key in clean:
            taken.known += 1
        else:
            clean[signal.key], index_of[signal.key] = signal, index
    _refuse_strangers(project, clean, index_of, taken)
    _find_responses(project, list(clean.values()))
    there = Signal.objects.filter(project=project, key__in=list(clean))
    old = set(there.values_list("key", flat=True))
    taken.known += len(old)
    # By key: two batches that hold the same ones in other orders would wait for each other.
    new = [clean[key] for key in sorted(clean.keys() - old)]
    Signal.objects.bulk_create(new, ignore_conflicts=True, batch_size=500)
    taken.created = len(new)
    taken.errors.sort(key=lambda one: one[0])
    return taken


def end_user_of(project: Project, name: str) -> str:
    """The pseudonym: the same for the same name in this project, and no way back."""
    return salted_hmac(f"tandem.signals.{project.pk}", name, algorithm="sha256").hexdigest()[:32]


def _clean(project: Project, row: object) -> Signal:
    if not isinstance(row, Mapping):
        raise InvalidValue("", "must be an object")
    for name in row:
        if name not in FIELDS:
            raise InvalidValue(
                str(name)[:100], "unknown field; there are: {known}", known=", ".join(FIELDS)
            )
    type = clean_choice("type", row.get("type"), SignalType.values)
    edited = clean_text("edited", row.get("edited", ""), max_chars=MOST_CHARS)
    if bool(edited.strip()) != (type == SignalType.EDIT):
        raise InvalidValue("edited", "is the text as an edit left it, of type edit alone")
    name = clean_text("end_user", row.get("end_user", ""), max_chars=200, lines=False)
    signal = Signal(
        project=project,
        key=clean_text("key", row.get("key"), max_chars=100, required=True, lines=False),
        type=type,
        edited=edited,
        end_user=end_user_of(project, name) if name else "",
        happened_at=_clean_time(row.get("happened_at")),
    )
    if row.get("response") is not None:
        for other in ("prompt", "completion", "generator", "generator_version"):
            if other in row:
                raise InvalidValue(other, "is the response's; leave it out beside `response`")
        signal.response_id = clean_integer("response", row["response"], low=1, high=BIGINT_MAX)
        return signal
    signal.prompt = _clean_prompt(row.get("prompt"))
    signal.completion = clean_text(
        "completion", row.get("completion"), max_chars=MOST_CHARS, required=True
    )
    signal.generator = clean_text(
        "generator", row.get("generator"), max_chars=200, required=True, lines=False
    )
    signal.generator_version = clean_text(
        "generator_version", row.get("generator_version", ""), max_chars=100, lines=False
    )
    return signal


def _clean_prompt(value: object) -> list[dict[str, str]]:
    if isinstance(value, str):
        value = [{"role": "user", "content": value}]
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_TURNS:
        raise InvalidValue("prompt", "must be a text, or a list of turns with role and content")
    for place, turn in enumerate(value):
        if not isinstance(turn, Mapping) or set(turn) != {"role", "content"}:
            raise InvalidValue(f"prompt.{place}", "must have role and content, nothing else")
        clean_choice(f"prompt.{place}.role", turn["role"], ("system", "user", "assistant"))
        clean_text(f"prompt.{place}.content", turn["content"], max_chars=MOST_CHARS)
    refuse_unstorable("prompt", value)
    return [dict(turn) for turn in value]


def _clean_time(value: object) -> datetime:
    if value is None:
        return timezone.now()
    found = clean_time("happened_at", value)
    if not EARLIEST <= found <= timezone.now():
        raise InvalidValue("happened_at", "must lie between the year 2000 and now")
    return found


def _refuse_strangers(
    project: Project, clean: dict[str, Signal], index_of: Mapping[str, int], taken: Taken
) -> None:
    """Responses must be the project's; what they are of is copied from them."""
    named = {one.response_id for one in clean.values() if one.response_id}
    found = Response.objects.filter(pk__in=named, prompt__project=project).in_bulk()
    for key, signal in list(clean.items()):
        if signal.response_id is None:
            continue
        response = found.get(signal.response_id)
        if response is None:
            error = InvalidValue("response", "is no response of this project")
            taken.errors.append((index_of[key], error))
            del clean[key]
        else:
            signal.generator = response.generator
            signal.generator_version = response.generator_version


def _find_responses(project: Project, signals: Sequence[Signal]) -> None:
    """Texts that the project has already become the responses that they are."""
    loose = [one for one in signals if one.response_id is None]
    hashes = {id(one): prompt_hash(one.prompt) for one in loose}
    prompts = dict(
        Prompt.objects.filter(project=project, content_hash__in=set(hashes.values())).values_list(
            "pk", "content_hash"
        )
    )
    if not prompts:
        return
    known: dict[tuple[Any, ...], Response] = {}
    for response in Response.objects.filter(prompt__in=prompts):
        model = response.generator, response.generator_version
        known[prompts[response.prompt_id], response.text, *model] = response
    for signal in loose:
        model = signal.generator, signal.generator_version
        response = known.get((hashes[id(signal)], signal.completion, *model))
        if response is not None:
            signal.response, signal.prompt, signal.completion = response, None, ""


def prompt_hash(turns: Sequence[Mapping[str, str]]) -> str:
    """The content hash that these turns have as a prompt of a project."""
    system = turns[0]["content"] if turns[0]["role"] == "system" else ""
    return content_hash(system, list(turns[1:] if system else turns))
