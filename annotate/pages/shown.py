"""What the work page shows of one task: rendered contents, the questions, what was typed before."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.safestring import SafeString, mark_safe

from annotate.forms import Form
from annotate.handout import Lease
from annotate.inputs import InvalidValue
from annotate.kinds.contract import Suggested
from annotate.kinds.span_suggestions import told_of
from annotate.models import Judgement, Skip, Task
from annotate.pages.questions import (
    ShownQuestion,
    least_rationale,
    marks_text,
    questions_of,
    read_value,
)
from annotate.pages.refused import Wrong, listed, wrongs
from annotate.rendering import render_markdown, render_marked_part, render_parts
from annotate.seat_numbers import number_of

LETTERS = string.ascii_uppercase

# Earlier turns start folded when they are longer than this together.
FOLD_CHARS = 600


@dataclass(frozen=True)
class Turn:
    """One turn of the prompt's conversation."""

    role: str
    html: SafeString
    chars: int


@dataclass(frozen=True)
class ShownResponse:
    """A response under its letter. The letter is a place on the page, never a name.

    `content` is the stored list of parts.
    """

    letter: str
    pk: int
    content: Sequence[Mapping]
    marked: bool = False

    @property
    def html(self) -> SafeString:
        if not self.marked:
            return render_parts(self.content)
        parts = [render_marked_part(part, index) for index, part in enumerate(self.content)]
        return mark_safe("".join(parts))


@dataclass(frozen=True)
class Entered:
    """What stands in the form: a draft, the answer that is being changed, or a refused one.

    `is_outdated`: it was entered under another version of the form, so that a 4 may have been of
    five and stand among ten now. `aside`: the draft of another browser, kept beside this one.
    """

    value: object = None
    rationale: str = ""
    flag: str = ""
    seconds_active: float = 0.0
    saved_at: float = 0.0
    is_outdated: bool = False
    aside: Mapping | None = None

    @classmethod
    def from_post(cls, form: Form, post: MultiValueDict) -> "Entered":
        """What came with a form that was refused."""
        return cls(read_value(form, post), post.get("rationale", ""), post.get("flag", ""))

    @classmethod
    def from_draft(cls, form: Form, draft: object) -> "Entered":
        """A draft may come from another client; what this page did not write is left out."""
        if not isinstance(draft, Mapping):
            return cls()
        fields = draft.get("fields", draft)
        if not isinstance(fields, Mapping):
            return cls()
        post = MultiValueDict({name: _texts(value) for name, value in fields.items()})
        numbers = {
            name: float(draft[name])
            for name in ("seconds_active", "saved_at")
            if isinstance(draft.get(name), int | float) and 0 <= draft[name] < 1e14
        }
        texts = {"rationale": post.get("rationale") or "", "flag": post.get("flag") or ""}
        under = draft.get("form")
        is_outdated = isinstance(under, str) and under != str(form.version or "")
        aside = draft.get("aside") if isinstance(draft.get("aside"), Mapping) else None
        value = read_value(form, post)
        return cls(value, **texts, **numbers, is_outdated=is_outdated, aside=aside)


@dataclass(frozen=True)
class Amending:
    """A reviewer's form of somebody's answer: where it is sent, where back leads, whose it is."""

    submit_url: str
    back_url: str
    author: str


@dataclass(frozen=True)
class ShownTask:
    """Everything the task fragment needs. `key` makes sending it twice harmless.

    `posts_to`: where an answer goes that is given at no seat; `leads_back` then leads away from
    it, and `why` asks for words in place of the rationale.
    """

    project_id: int
    seat_id: int
    key: str
    form: Form
    system: SafeString | None
    turns: list[Turn]
    responses: list[ShownResponse]
    passages: Sequence[Mapping]
    context: Mapping
    entered: Entered
    revises: int | None = None
    amends: Amending | None = None
    returned: str = ""  # what the reviewer wrote who sent the answer back
    suggestions: Sequence[Suggested] = ()
    skip_reasons: Sequence = field(default_factory=lambda: Skip.Reason.choices)
    posts_to: str = ""
    leads_back: str = ""
    why: str = ""
    wrong: Sequence[Wrong] = ()

    def refused(self, error: InvalidValue) -> "ShownTask":
        """The task with what was refused of the answer in its form."""
        return replace(self, wrong=wrongs(error, self))

    @property
    def refusal(self) -> str:
        """What stands at its foot: a line for each of the first things that were refused."""
        return listed(self.wrong)

    @property
    def earlier_turns(self) -> list[Turn]:
        return self.turns[:-1]

    @property
    def last_turn(self) -> Turn | None:
        return self.turns[-1] if self.turns else None

    @property
    def folded(self) -> bool:
        return sum(turn.chars for turn in self.earlier_turns) > FOLD_CHARS

    @cached_property
    def questions(self) -> list[ShownQuestion]:
        return questions_of(self, self.form, self.entered.value)

    @property
    def in_side(self) -> list[ShownQuestion]:
        return [question for question in self.questions if question.in_side]

    @property
    def under_responses(self) -> list[ShownQuestion]:
        return [question for question in self.questions if question.under_responses]

    @property
    def scripts(self) -> list[str]:
        """Static paths of what its questions run on, each once."""
        found = [question.page_part.SCRIPT for question in self.questions]
        return list(dict.fromkeys(filter(None, found)))

    @property
    def styles(self) -> list[str]:
        found = [style for question in self.questions for style in question.page_part.STYLES]
        return list(dict.fromkeys(found))

    @property
    def rationale_min_chars(self) -> int:
        return least_rationale(self.form)

    @property
    def seat_number(self) -> int:
        return number_of(self.seat_id)

    @property
    def submit_url(self) -> str:
        if self.posts_to:
            return self.posts_to
        if self.amends:
            return self.amends.submit_url
        if self.revises:
            return reverse("revise_judgement", args=[self.project_id, self.revises])
        return reverse("submit_judgement", args=[self.project_id, self.seat_id])


def from_lease(lease: Lease, annotator_id: int, refused: MultiValueDict | None = None) -> ShownTask:
    """The seat's task with its draft, or with a form that was refused in its place.

    Up to two queries where the form shows suggestions, else none.
    """
    form = Form.read(lease.kind, lease.kind_settings, lease.form_version)
    if refused is None:
        entered = Entered.from_draft(form, lease.draft)
    else:
        entered = Entered.from_post(form, refused)
    return ShownTask(
        project_id=lease.project_id,
        seat_id=lease.seat_id,
        key=f"seat-{number_of(lease.seat_id)}",
        form=form,
        entered=entered,
        context=lease.context,
        suggestions=form.suggested(
            task_id=lease.task_id, seat_id=lease.seat_id, annotator_id=annotator_id
        ),
        **contents(form, lease.prompt, lease.responses),
    )


def from_judgement(
    judgement: Judgement,
    refused: MultiValueDict | None = None,
    *,
    amends: Amending | None = None,
    returned: str = "",
) -> ShownTask:
    """An answered task, as it was shown, with the answer in the form. Two queries, and one where
    the answer tells of suggestions.
    """
    task = judgement.task
    form = Form.of_judgement(judgement)
    found = {
        response.pk: {"id": response.pk, "content": response.content}
        for response in task.responses.all()
    }
    order = judgement.shown_order or sorted(found)
    if refused is None:
        entered = Entered(judgement.value, judgement.rationale, judgement.flag)
    else:
        entered = Entered.from_post(form, refused)
    prompt = {
        "system": task.prompt.system,
        "conversation": task.prompt.conversation,
        "passages": task.prompt.passages,
    }
    return ShownTask(
        project_id=judgement.project_id,
        seat_id=judgement.seat_id or 0,
        key=f"{'amend' if amends else 'revise'}-{judgement.pk}",
        form=form,
        entered=entered,
        revises=judgement.pk,
        amends=amends,
        returned=returned,
        context=task.context,
        suggestions=form.suggested(
            task_id=task.pk,
            seat_id=judgement.seat_id,
            annotator_id=judgement.annotator_id or 0,
            told=told_of(judgement.value),
        ),
        **contents(form, prompt, [found[pk] for pk in order]),
    )


def from_task(
    task: Task,
    form: Form,
    entered: Entered,
    *,
    posts_to: str,
    order: Sequence[int] = (),
    **more: str,
) -> ShownTask:
    """A task without a seat, its responses in the `order` given, else as they are stored."""
    places = task.places.select_related("response").order_by("position")
    found = {
        place.response_id: {"id": place.response_id, "content": place.response.content}
        for place in places
    }
    prompt = {
        "system": task.prompt.system,
        "conversation": task.prompt.conversation,
        "passages": task.prompt.passages,
    }
    return ShownTask(
        project_id=task.project_id,
        seat_id=0,
        key=posts_to,
        form=form,
        entered=entered,
        context=task.context,
        posts_to=posts_to,
        **more,
        **contents(form, prompt, [found[pk] for pk in order or found]),
    )


def contents(form: Form, prompt: Mapping, responses: Sequence[Mapping]) -> dict:
    """The fields of a ShownTask that come from its rows, rendered as the form needs them."""
    marked = marks_text(form)
    return {
        "system": render_markdown(prompt["system"]) if prompt["system"] else None,
        "turns": [_turn(turn) for turn in prompt["conversation"]],
        "passages": prompt["passages"],
        "responses": [
            ShownResponse(letter, response["id"], response["content"], marked)
            for letter, response in zip(LETTERS[: len(responses)], responses, strict=True)
        ],
    }


def _turn(turn: Mapping) -> Turn:
    content = turn["content"]
    if isinstance(content, str):
        return Turn(turn["role"], render_markdown(content), len(content))
    html = render_parts(content)
    return Turn(turn["role"], html, len(html))


def _texts(value: object) -> list[str]:
    """A field's values as a browser would send them; nothing for what it could not."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]
