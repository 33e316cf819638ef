"""What a file to import may look like, by what the project asks."""

import io
from collections.abc import Container
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotate.interchange.fitting import Fit
from annotate.interchange.formats import ReadOptions
from annotate.interchange.records import RowError
from annotate.interchange.registry import read
from annotate.interchange.streams import Limits
from annotate.interchange.table_columns import columns_of_table
from annotate.kinds import (
    chat,
    context,
    critique,
    joint,
    labels,
    pairwise,
    ranking,
    rating,
    similarity,
    spans,
    steps,
)
from annotate.reports.import_preview import guess_mapping


@dataclass(frozen=True)
class Example:
    """A whole file in an import format, which the project of its kind takes."""

    format: str
    title: str | Promise
    text: str
    note: str | Promise = ""


ROWS = _("Prompt and responses, one JSON object a line")
PAIR = Example(
    "responses",
    ROWS,
    '{"prompt": "What is a leap year?", "responses": [{"text": "A year of 366 days.", '
    '"model": "small-1"}, {"text": "Every fourth year.", "model": "small-2"}]}',
    _(
        'Add "label": 0 (the position of the better one), "tie" or "both_bad" where people have '
        "judged already."
    ),
)
CHOSEN = Example(
    "trl",
    _("Chosen and rejected, as trainers want it"),
    '{"prompt": "What is a leap year?", "chosen": "A year of 366 days.", '
    '"rejected": "Every fourth year."}',
    _(
        "Plain texts or lists of messages; without a prompt, the turns that both begin with are "
        "the prompt. Transcripts with “Human:” and “Assistant:” are read too."
    ),
)
TABLE = Example(
    "table",
    _("A table with a header"),
    "question,answer_a,answer_b,winner\n"
    "What is a leap year?,A year of 366 days.,Every fourth year.,a",
    _("After sending it you say which column is what."),
)
ONE = Example(
    "responses",
    _("Prompt and response, one JSON object a line"),
    '{"prompt": "What is a leap year?", "responses": [{"text": "A year of 366 days.", '
    '"model": "small-1"}]}',
    _("Several responses are taken one by one, or together, as you say before the import."),
)
RANKED = Example(
    "responses",
    ROWS,
    '{"prompt": "What is a leap year?", "responses": ["A year of 366 days.", '
    '"Every fourth year.", "A long one."]}',
    _(
        'Add "ranking": [0, [1, 2]] where people have ranked already: positions from best to '
        "worst, equal ones in a list of their own."
    ),
)
UNDER = Example(
    "responses",
    _("With what to judge by, one JSON object a line"),
    '{"prompt": "What is a leap year?", "responses": ["A year of 366 days.", '
    '"Every fourth year."], "context": {"criterion": "Which is more precise?"}}',
    _('"situation" instead of "criterion", or both, tells for whom or where.'),
)
OWN_PROMPTS = Example(
    "responses",
    _("A prompt for each response, one JSON object a line"),
    '{"prompt": "What is a leap year?", "responses": ["A year of 366 days.", '
    '"One of 365 days."], "context": {"prompts": {"1": "What is a common year?"}}}',
    _("Prompts by the position of their response; one that is not named answers the first."),
)
THREE = Example(
    "responses",
    _("Three responses, one JSON object a line"),
    '{"prompt": "What is a leap year?", "responses": ["A year of 366 days.", '
    '"Every fourth year.", "A long one."], "context": {"anchor": 0}}',
    _('"anchor" is the position of the one that the others are compared with.'),
)
GROUNDED = Example(
    "responses",
    _("Response and sources, one JSON object a line"),
    '{"prompt": "What is a leap year?", "responses": ["A year of 366 days."], '
    '"passages": [{"title": "Calendar", "sentences": ["It has a 29 February."]}]}',
    _("Passages are what a text is checked against; leave them out where there are none."),
)
FINE_GRAINED = Example(
    "fine_grained",
    _("With errors marked already, as Fine-Grained RLHF has them"),
    '{"question": "What is a leap year?", "passages": [["Calendar", "It has a 29 February."]], '
    '"prediction 1": "A year of 367 days.", "feedback": {"errors": [{"error type": '
    '"Unverifiable", "start": 10, "end": 13}], "missing-info": [], '
    '"corrected-prediction": "A year of 366 days."}}',
    _("Positions count characters of the first prediction."),
)
TALK = Example(
    "responses",
    _("Where a conversation begins, one JSON object a line"),
    '{"prompt": "Ask for a recipe with three ingredients.", "responses": []}',
    _("The replies come from the project’s models while people talk to them."),
)
ANY = (PAIR, CHOSEN, TABLE)
BY_KIND: dict[str, tuple[Example, ...]] = {
    pairwise.NAME: ANY,
    ranking.NAME: (RANKED, CHOSEN),
    rating.NAME: (ONE,),
    steps.NAME: (ONE,),
    critique.NAME: (ONE,),
    labels.NAME: (ONE,),
    joint.NAME: (OWN_PROMPTS,),
    context.NAME: (UNDER,),
    similarity.NAME: (THREE,),
    spans.NAME: (GROUNDED, FINE_GRAINED),
    chat.NAME: (TALK,),
}


def examples_for(kinds: Container[str], fit: Fit) -> tuple[Example, ...]:
    """Of the kinds that a project asks: of a form's questions, each example that fits them all."""
    asked = [examples for kind, examples in BY_KIND.items() if kind in kinds]
    found = dict.fromkeys(example for examples in asked for example in examples)
    return tuple(example for example in found if _fits(example, fit))


def _fits(example: Example, fit: Fit) -> bool:
    data = io.BytesIO(example.text.encode())
    mapping = guess_mapping(columns_of_table(data, Limits())) if example.format == "table" else {}
    rows = read(data, example.format, ReadOptions(mapping=mapping), fit=fit)
    return not any(isinstance(row, RowError) for row in rows)
