"""Criteria of good responses: drafted from examples by a language model, and checked by one.

After EvalGen (Shankar et al. 2024, "Who Validates the Validators?", arXiv:2404.12272): criteria are
proposed by a model, people grade outputs, and what a model says by each criterion is aligned with
the grades.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from annotate.chat.completions import Completion
from annotate.inputs import InvalidValue, clean_boolean, clean_text
from annotate.kinds.answers import clean_list, clean_object
from routing.judges import Question
from routing.judges.asking.contract import (
    InvalidAnswer,
    Reading,
    Wording,
    compose,
    object_schema,
    read_object,
)
from routing.judges.desk import Key
from routing.judges.errands import Errand
from routing.judges.quoting import RULE, mark_of, quoted

DRAFT_TEMPLATE = "draft criteria/1"
MOST_DRAFTED = 8
MAX_NAME, MAX_TEXT, MAX_WHY = 80, 1000, 2000
EXCERPT = 3000  # characters of each text of an example
CHECK_TASK = (
    "Does RESPONSE A meet this criterion? Judge by the criterion alone.\nCriterion: {text}\n"
    'Answer with one JSON object: {{"why": "…", "passes": true or false}}.'
)
DRAFT_TASK = (
    "Draft up to {most} criteria that a good response to such prompts meets and bad ones fail. "
    "Each is about one thing, can be checked on a single response, and is answered yes or no. "
    'Answer with one JSON object: {{"criteria": [{{"name": "…", "text": "A response should …"}}]}}.'
)


@dataclass(frozen=True)
class Example:
    """A prompt with one response, and what people think of it, in words."""

    prompt: str
    response: str
    verdict: str


def check_template(criterion_id: int) -> str:
    return f"criterion {criterion_id}/1"


def check_errand(
    question: Question, response_id: int, *, criterion_id: int, text: str, principles: str
) -> Errand:
    """One call: does this response of the question's task meet the criterion."""
    task = CHECK_TASK.format(text=text)
    messages = compose(question, (response_id,), task=task, wording=Wording(principles))
    schema = object_schema({"why": {"type": "string"}, "passes": {"type": "boolean"}})
    key = Key(question.task_id, (response_id,))
    return Errand(key, check_template(criterion_id), messages, schema, read_check)


def read_check(said: Completion) -> Reading:
    """{"passes", "why"}. Raises InvalidAnswer."""
    given = read_object(said)
    try:
        value = {
            "passes": clean_boolean("passes", given.get("passes")),
            "why": clean_text("why", str(given.get("why", "")), max_chars=100_000)[:MAX_WHY],
        }
    except InvalidValue as error:
        raise InvalidAnswer.of(error) from error
    return Reading(value=value)


def draft_errand(task_id: int, sample: int, examples: Sequence[Example], *, told: str) -> Errand:
    """One call that proposes criteria. `told`: the guidelines that people judge by."""
    texts = [text for one in examples for text in (one.prompt, one.response)]
    mark = mark_of([*texts, told])
    pieces = [quoted("GUIDELINES", told[:EXCERPT], mark)] if told.strip() else []
    for number, one in enumerate(examples, 1):
        pieces.append(quoted(f"PROMPT {number}", one.prompt[:EXCERPT], mark))
        title = f"RESPONSE {number} ({one.verdict})"
        pieces.append(quoted(title, one.response[:EXCERPT], mark))
    task = DRAFT_TASK.format(most=MOST_DRAFTED)
    head = ["You help people to say what makes a response good.", RULE.format(mark=mark), task]
    messages = [
        {"role": "system", "content": "\n\n".join(head)},
        {"role": "user", "content": "\n\n".join([*pieces, task])},
    ]
    item = object_schema({"name": {"type": "string"}, "text": {"type": "string"}})
    schema = object_schema({"criteria": {"type": "array", "items": item}})
    return Errand(Key(task_id, (), sample), DRAFT_TEMPLATE, messages, schema, read_draft)


def read_draft(said: Completion) -> Reading:
    """{"criteria": [{"name", "text"}]}. Raises InvalidAnswer."""
    try:
        listed = clean_list(
            "criteria", read_object(said).get("criteria"), low=1, high=4 * MOST_DRAFTED
        )
        drafted = [
            clean_criterion(f"criteria[{n}]", one) for n, one in enumerate(listed[:MOST_DRAFTED])
        ]
    except InvalidValue as error:
        raise InvalidAnswer.of(error) from error
    return Reading(value={"criteria": drafted})


def clean_criterion(field: str, given: object) -> dict[str, Any]:
    """A name and a text, each one line or more. Raises InvalidValue."""
    raw = clean_object(field, given, ("name", "text"))
    name = clean_text(
        f"{field}.name", raw.get("name"), max_chars=MAX_NAME, required=True, lines=False
    )
    text = clean_text(f"{field}.text", raw.get("text"), max_chars=MAX_TEXT, required=True)
    return {"name": name.strip(), "text": text.strip()}
