"""Tags of a prompt from a language model: what it is asked, and how its answer is read.

The questions are those of the rules (routing/features/tagger.py), so that policies need not know
who answered; the taxonomy is that of Miranda et al. 2024 (arXiv:2410.19133, appendix).
"""

from typing import Any

from annotate.chat.completions import Completion
from annotate.inputs import InvalidValue
from routing.features.subjects import SUBJECTS
from routing.features.tag_answers import CHOICES, FLAGS, MOST_SUBJECTS, clean_answer
from routing.judges.asking.contract import InvalidAnswer, Reading, object_schema, read_object
from routing.judges.desk import Key
from routing.judges.errands import Errand
from routing.judges.quoting import RULE, mark_of, quoted

TEMPLATE = "tags/1"
MAX_CHARS = 20_000  # of a prompt: its beginning and its end tell what it is about
MEANING = {
    "expertise": "what a person must know to judge an answer: anybody, one who has learned the "
    "basics of the field, or an expert of it",
    "open_endedness": "how many different good answers there are: one, few, some, or many",
    "safety": "how much harm a compliant answer could do",
    "complexity": "how many requirements the prompt makes of an answer",
}
FLAG_MEANING = {
    "english": "true if the prompt is written in English",
    "material": "true if the prompt brings a text, code or data to work on",
    "format": "true if the prompt asks for a certain form or length of the answer",
}


def errand(task_id: int, text: str) -> Errand:
    """One call that tags the prompt of this task."""
    return Errand(Key(task_id, ()), TEMPLATE, messages(text), schema(), read)


def messages(text: str) -> list[dict[str, str]]:
    """The questions, then the prompt between marked lines, then the task again."""
    text = shortened(text)
    mark = mark_of([text])
    lines = [
        f"- subjects: a list of 0 to {MOST_SUBJECTS} of: {', '.join(SUBJECTS)}",
        *(f"- {name}: one of: {', '.join(CHOICES[name])}; {MEANING[name]}" for name in CHOICES),
        *(f"- {name}: {FLAG_MEANING[name]}" for name in FLAGS),
    ]
    task = "Answer with one JSON object that holds exactly these fields, and nothing else."
    head = [
        "You sort prompts that people sent to assistants. You do not answer them.",
        RULE.format(mark=mark),
        "\n".join(["Say of the prompt:", *lines]),
        task,
    ]
    return [
        {"role": "system", "content": "\n\n".join(head)},
        {"role": "user", "content": f"{quoted('PROMPT', text, mark)}\n\n{task}"},
    ]


def shortened(text: str) -> str:
    """At most about MAX_CHARS, the middle left out."""
    if len(text) <= MAX_CHARS:
        return text
    half = MAX_CHARS // 2
    return f"{text[:half]}\n[…]\n{text[-half:]}"


def schema() -> dict[str, Any]:
    subjects = {"type": "array", "items": {"type": "string", "enum": list(SUBJECTS)}}
    return object_schema(
        {
            "subjects": subjects,
            **{name: {"type": "string", "enum": list(CHOICES[name])} for name in CHOICES},
            **{name: {"type": "boolean"} for name in FLAGS},
        }
    )


def read(said: Completion) -> Reading:
    """An answer to every question, none other. Raises InvalidAnswer."""
    try:
        return Reading(value=clean_answer(read_object(said)))
    except InvalidValue as error:
        raise InvalidAnswer.of(error) from error
