"""What pairs of responses have in common, as a language model says it in one line.

The line is worded as a principle, so that principles' votes (`principles.py`) test it.
"""

import hashlib
import json
from collections.abc import Sequence

from annotate.chat.completions import Completion
from annotate.inputs import InvalidValue, clean_text
from routing.judges.asking.contract import InvalidAnswer, Reading, object_schema, read_object
from routing.judges.desk import Key
from routing.judges.errands import Errand
from routing.judges.principles import MAX_TEXT
from routing.judges.quoting import RULE, mark_of, quoted

MOST_CHARS = 1500  # of a response
DESCRIBED = 10  # differences that are put into words
TESTS = 8  # held-out pairs of each, on which all lines are tested in both orders
MOST_CALLS = DESCRIBED + 2 * DESCRIBED * TESTS
FAITHFUL = 0.3  # correlation below which words are told to fit badly

TASK = (
    "In each of these pairs of responses to one prompt, the response MORE has more of one property "
    "than the response LESS. Say which property they have in common that tells MORE from LESS, in "
    "one short sentence of the form “Prefer the response that …”. It is about form, style or "
    "content, as narrow as the pairs allow, and can be told from two responses alone. Whether MORE "
    "is better does not matter. "
    'Answer with one JSON object: {"text": "…"}.'
)


def describe_errand(task_id: int, pairs: Sequence[tuple[str, str]]) -> Errand:
    """One call: what do the first texts of these pairs have more of than the second. `task_id`: the
    task under which it is put on record.
    """
    cut = [(more[:MOST_CHARS], less[:MOST_CHARS]) for more, less in pairs]
    mark = mark_of([text for pair in cut for text in pair])
    shown = [
        quoted(f"{name} OF PAIR {number}", text, mark)
        for number, pair in enumerate(cut, 1)
        for name, text in zip(("MORE", "LESS"), pair, strict=True)
    ]
    messages = [
        {"role": "system", "content": "\n\n".join([RULE.format(mark=mark), TASK])},
        {"role": "user", "content": "\n\n".join([*shown, TASK])},
    ]
    digest = hashlib.sha256(json.dumps(cut, ensure_ascii=True).encode()).hexdigest()
    return Errand(
        Key(task_id, ()),
        f"difference/1 {digest[:16]}",
        messages,
        object_schema({"text": {"type": "string"}}),
        _read,
    )


def _read(said: Completion) -> Reading:
    """{"text"}. Raises InvalidAnswer."""
    try:
        given = read_object(said).get("text")
        text = clean_text("text", given, max_chars=10_000, required=True)
    except InvalidValue as error:
        raise InvalidAnswer.of(error) from error
    return Reading(value={"text": " ".join(text.split())[:MAX_TEXT]})
