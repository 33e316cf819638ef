"""What the work page shows of one task: rendered contents, the form, what was typed before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.urls import reverse
from django.utils.safestring import SafeString

from annotate.handout import Lease
from annotate.kinds import pairwise
from annotate.models import Judgement, Skip
from annotate.pages import pairwise_form
from annotate.rendering import render_markdown, render_parts

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
    """A response under its letter. The letter is a place on the page, never a name."""

    letter: str
    pk: int
    html: SafeString


@dataclass(frozen=True)
class Entered:
    """What stands in the form: a draft, the answer that is being changed, or a rejected one."""

    answer: str = ""
    rationale: str = ""
    flag: str = ""
    seconds_active: float = 0.0
    saved_at: float = 0.0

    @classmethod
    def from_draft(cls, draft: object) -> "Entered":
        """A draft may come from another client; what this page did not write is left out."""
        if not isinstance(draft, Mapping):
            return cls()
        texts = {
            name: draft[name]
            for name in ("answer", "rationale", "flag")
            if isinstance(draft.get(name), str)
        }
        numbers = {
            name: float(draft[name])
            for name in ("seconds_active", "saved_at")
            if isinstance(draft.get(name), int | float) and 0 <= draft[name] < 1e14
        }
        return cls(**texts, **numbers)


@dataclass(frozen=True)
class ShownTask:
    """Everything the task fragment needs. `key` makes sending it twice harmless."""

    project_id: int
    seat_id: int
    key: str
    system: SafeString | None
    turns: list[Turn]
    responses: list[ShownResponse]
    settings: pairwise.PairwiseSettings
    entered: Entered
    revises: int | None = None
    skip_reasons: Sequence = field(default_factory=lambda: Skip.Reason.choices)

    @property
    def earlier_turns(self) -> list[Turn]:
        return self.turns[:-1]

    @property
    def last_turn(self) -> Turn | None:
        return self.turns[-1] if self.turns else None

    @property
    def folded(self) -> bool:
        return sum(turn.chars for turn in self.earlier_turns) > FOLD_CHARS

    @property
    def scale(self) -> list[pairwise_form.Option]:
        return pairwise_form.scale(self.settings, [response.pk for response in self.responses])

    @property
    def others(self) -> list[pairwise_form.Option]:
        return pairwise_form.others(self.settings)

    @property
    def submit_url(self) -> str:
        if self.revises:
            return reverse("revise_judgement", args=[self.project_id, self.revises])
        return reverse("submit_judgement", args=[self.project_id, self.seat_id])


def from_lease(lease: Lease, entered: Entered | None = None) -> ShownTask:
    """The seat's task; `entered` in place of the saved draft."""
    return ShownTask(
        project_id=lease.project_id,
        seat_id=lease.seat_id,
        key=f"seat-{lease.seat_id}",
        settings=pairwise.clean_settings(lease.kind_settings),
        entered=entered or Entered.from_draft(lease.draft),
        **_contents(lease.prompt, lease.responses),
    )


def from_judgement(judgement: Judgement, entered: Entered | None = None) -> ShownTask:
    """An answered task, as it was shown, with the answer in the form. Two queries."""
    task = judgement.task
    found = {
        response.pk: {"id": response.pk, "content": response.content}
        for response in task.responses.all()
    }
    order = judgement.shown_order or sorted(found)
    return ShownTask(
        project_id=judgement.project_id,
        seat_id=judgement.seat_id or 0,
        key=f"revise-{judgement.pk}",
        settings=pairwise.clean_settings(judgement.project.kind_settings),
        entered=entered
        or Entered(
            pairwise_form.format_answer(judgement.value), judgement.rationale, judgement.flag
        ),
        revises=judgement.pk,
        **_contents(
            {"system": task.prompt.system, "conversation": task.prompt.conversation},
            [found[pk] for pk in order],
        ),
    )


def _contents(prompt: Mapping, responses: Sequence[Mapping]) -> dict:
    return {
        "system": render_markdown(prompt["system"]) if prompt["system"] else None,
        "turns": [_turn(turn) for turn in prompt["conversation"]],
        "responses": [
            ShownResponse(letter, response["id"], render_parts(response["content"]))
            for letter, response in zip("AB", responses, strict=True)
        ],
    }


def _turn(turn: Mapping) -> Turn:
    content = turn["content"]
    if isinstance(content, str):
        return Turn(turn["role"], render_markdown(content), len(content))
    html = render_parts(content)
    return Turn(turn["role"], html, len(html))
