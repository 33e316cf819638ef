"""The judge kind `openai`: a language model behind any OpenAI-compatible address.

A hosted API, vLLM, llama.cpp, Ollama, a gateway: docs/judges.md tells how to set them up. Keys and
private addresses follow the rules of live chat (annotate/chat).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from annotate.chat.completions import Target, complete
from annotate.inputs import (
    Checks,
    clean_boolean,
    clean_choice,
    clean_integer,
    clean_json,
    clean_number,
    clean_text,
)
from annotate.kinds import answers
from annotate.kinds.errors import InvalidValue
from annotate.wording import Told
from routing.judges import JudgeKind, Question, Verdict
from routing.judges.asking import WAYS, Reading, Way, Wording
from routing.judges.asking.contract import JSON, LETTER
from routing.judges.calling import Call, make_calls
from routing.judges.desk import FAILURES, Desk, Key, Outcome, Wanted
from routing.judges.length import COEFFICIENT, MOST, without_length

NAME = "openai"
FIELDS = (
    *("base_url", "model", "key_name", "parameters", "principles", "answer", "samples"),
    *("max_tokens", "max_tokens_name", "top_logprobs", "least_mass", "schema", COEFFICIENT),
)
OWN_PARAMETERS = (
    *("messages", "model", "n", "stream", "max_tokens", "max_completion_tokens"),
    *("logprobs", "top_logprobs", "response_format", "seed"),
)
TOKEN_NAMES = ("max_tokens", "max_completion_tokens")
OVERHEAD = 64  # tokens that a chat template may add to a message
MAX_PRINCIPLES = 20_000
LETTER_TOKENS = 8


def clean(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A manager's config with defaults filled in. Raises InvalidValue.

    `base_url` and `key_name` are checked by the service, which knows the server's environment.
    """
    given = answers.clean_object("config", raw, FIELDS)
    field = "config."
    checks = Checks()

    def of(check: Callable[..., Any], name: str, default: Any, *more: Any, **named: Any) -> Any:
        return checks.of(check, f"{field}{name}", given.get(name, default), *more, **named)

    config = {
        "base_url": of(clean_text, "base_url", "", max_chars=500),
        "model": of(clean_text, "model", "", max_chars=200, required=True, lines=False),
        "key_name": of(clean_text, "key_name", "", max_chars=50),
        "parameters": of(_parameters, "parameters", {}),
        "principles": of(clean_text, "principles", "", max_chars=MAX_PRINCIPLES),
        "answer": of(clean_choice, "answer", LETTER, (LETTER, JSON)),
        "samples": of(clean_integer, "samples", 1, low=1, high=25),
        "max_tokens": of(clean_integer, "max_tokens", 1024, low=16, high=32_000),
        "max_tokens_name": of(clean_choice, "max_tokens_name", TOKEN_NAMES[0], TOKEN_NAMES),
        "top_logprobs": of(clean_integer, "top_logprobs", 20, low=0, high=20),
        "least_mass": of(clean_number, "least_mass", 0.5, low=0, high=1),
        "schema": of(clean_boolean, "schema", True),
    }
    coefficient = of(clean_number, COEFFICIENT, 0, low=-MOST, high=MOST)
    if (config["samples"] or 1) > 1 and config["parameters"] is not None:
        checks.of(_require_temperature, f"{field}samples", config["parameters"])
    checks.end()
    config["model"] = config["model"].strip()
    if coefficient:  # left out of configs where nothing is taken out: they are as they were before
        config[COEFFICIENT] = coefficient
    return config


def _require_temperature(field: str, parameters: Mapping[str, Any]) -> None:
    if not parameters.get("temperature"):
        raise InvalidValue(
            field, "needs a temperature above 0 in the parameters: else all are alike"
        )


def _parameters(field: str, raw: object) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise InvalidValue(field, 'must be a JSON object, such as {"temperature": 0}')
    for name in raw:
        if name in OWN_PARAMETERS:
            raise InvalidValue(f"{field}.{name}", "is set by the judge; leave it out")
    clean_json(field, dict(raw), max_bytes=5_000)
    return dict(raw)


@dataclass(frozen=True)
class OpenAIJudge:
    """Asks a question by its kind's way: one call (or `samples`) for each order or response."""

    config: Mapping[str, Any]
    desk: Desk

    def compare(
        self, items: Sequence[Question], should_stop: Callable[[], bool]
    ) -> Iterator[Verdict]:
        """A verdict as soon as the last call of its question is over. Raises JudgeError."""
        known: dict[Key, Outcome] = {}
        for template in {template_of(item) for item in items}:
            known |= self.desk.known([item.task_id for item in items], template)
        open_questions = {item.task_id: item for item in items}
        plans = {item.task_id: self.keys_of(item) for item in items}
        calls = [
            self.call_for(item, key)
            for item in items
            for key in plans[item.task_id]
            if key not in known and self.desk.may_call
        ]

        def finished(task_id: int) -> Iterator[Verdict]:
            keys = plans[task_id]
            if all(key in known for key in keys):
                question = open_questions.pop(task_id)
                yield self.verdict(question, {key: known[key] for key in keys})

        for task_id in list(open_questions):
            yield from finished(task_id)
        for key, outcome in make_calls(calls, self.desk, should_stop) if calls else ():
            known[key] = outcome
            yield from finished(key.task_id)

    @property
    def wording(self) -> Wording:
        config = self.config
        return Wording(config["principles"], config["answer"], config["least_mass"])

    def keys_of(self, question: Question) -> list[Key]:
        way = WAYS[question.kind]
        samples = self.config["samples"] if question.kind == "pairwise" else 1
        return [
            Key(question.task_id, shown, sample)
            for shown in way.showings(question)
            for sample in range(samples)
        ]

    def call_for(self, question: Question, key: Key) -> Call:
        way, wording = WAYS[question.kind], self.wording
        messages = way.messages(question, key.shown, wording)
        schema = way.schema(question, key.shown, wording)
        most = LETTER_TOKENS if schema is None else self.config["max_tokens"]
        target = self.target(schema, most, key.sample)
        return Call(
            wanted=Wanted(key, template_of(question), most_tokens(messages), most),
            send=lambda client: complete(
                client, target, messages, private_hosts=self.desk.private_hosts
            ),
            read=lambda said: way.read(said, question, key.shown, wording),
        )

    def target(self, schema: Mapping[str, Any] | None, most: int, sample: int = 0) -> Target:
        """Whom a call goes to, with its parameters; `most` tokens of an answer."""
        config = self.config
        parameters = {"temperature": 0, **config["parameters"]}
        parameters[config["max_tokens_name"]] = most
        if schema is None and config["top_logprobs"] and config["samples"] == 1:
            parameters |= {"logprobs": True, "top_logprobs": config["top_logprobs"]}
        if schema is not None and config["schema"]:
            form = {"name": "answer", "strict": True, "schema": schema}
            parameters["response_format"] = {"type": "json_schema", "json_schema": form}
        if config["samples"] > 1:
            parameters["seed"] = sample
        secret = self.desk.secret(config["key_name"], config["base_url"])
        return Target(config["base_url"], config["model"], parameters, secret)

    def verdict(self, question: Question, outcomes: Mapping[Key, Outcome]) -> Verdict:
        """All calls of a question as one; none of them is left out silently."""
        seconds = sum(outcome.seconds or 0.0 for outcome in outcomes.values())
        failed = [outcome for outcome in outcomes.values() if outcome.failure]
        if failed:
            why = Told(
                "{failed} of {count} calls failed: {why}",
                failed=len(failed),
                count=len(outcomes),
                why=Told(FAILURES[failed[0].failure]),
            )
            return Verdict(question.task_id, None, {}, seconds, why_not=why, failed=True)
        way: Way = WAYS[question.kind]
        readings: dict[tuple[int, ...], list[Reading]] = {}
        for key, outcome in outcomes.items():
            reading = Reading(outcome.p_first, outcome.value, outcome.raw)
            readings.setdefault(key.shown, []).append(reading)
        verdict = replace(way.pool(question, readings), seconds=seconds)
        return without_length(verdict, question, self.config.get(COEFFICIENT, 0.0))


def template_of(question: Question) -> str:
    way = WAYS[question.kind]
    return f"{way.KIND}/{way.VERSION}"


def most_tokens(messages: Sequence[Mapping[str, str]]) -> int:
    """More tokens than the messages can be: every token of a byte-level vocabulary spells at least
    one byte of UTF-8, and OVERHEAD covers what a chat template adds to a message.
    """
    return sum(len(one["content"].encode()) + OVERHEAD for one in messages)


KIND = JudgeKind(
    name=NAME,
    make=OpenAIJudge,
    clean=clean,
    asks=frozenset(WAYS),
    calls=True,
    priced=True,
)
