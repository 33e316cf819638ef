"""The questions of a form as the page shows them, and the answers as the form sends them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.template.loader import get_template
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from annotate.forms import Form
from annotate.kinds.form import FormSettings
from annotate.pages import kinds
from annotate.pages.kinds import PagePart
from annotate.pages.kinds.default_words import in_readers_words

if TYPE_CHECKING:
    from annotate.pages.refused import Wrong
    from annotate.pages.shown import ShownResponse, ShownTask

PREFIX = "answer"


@dataclass(frozen=True)
class ShownQuestion:
    """One question in its places on the page. `prefix` names its fields."""

    task: "ShownTask"
    kind: str
    prefix: str
    settings: Any
    value: object
    name: str = ""
    own_title: str = ""
    required: bool = True
    when: Mapping[str, Any] | None = None
    responses: str | Mapping[str, str] = "all"

    @property
    def page_part(self) -> PagePart:
        return kinds.get(self.kind)

    @property
    def id(self) -> str:
        return self.prefix.replace(".", "-")

    @property
    def title(self) -> str | Promise:
        return self.own_title or self.page_part.TITLE

    @cached_property
    def variables(self) -> dict[str, Any]:
        return self.page_part.context(self.settings, self.task, self.value)

    @property
    def always_asked(self) -> bool:
        """Whether browsers may insist on an answer without knowing the others."""
        return self.required and self.when is None and self.responses == "all"

    @property
    def in_bar(self) -> bool:
        return self.page_part.TEMPLATE is not None and self.variables.get("show_bar", True)

    @property
    def under_responses(self) -> bool:
        asked = self.variables.get("show_responses", True)
        return self.page_part.RESPONSE_TEMPLATE is not None and asked

    @property
    def above(self) -> str | None:
        """The template of what stands over every response."""
        return self.variables.get("above")

    @property
    def in_side(self) -> bool:
        return self.page_part.SIDE_TEMPLATE is not None and self.variables.get("show_side", True)

    @property
    def keys(self) -> list[tuple[str, str]]:
        return self.variables.get("keys", [])

    def wrong_at(self, *below: str) -> str:
        """Why what stands at these places of the answer, or inside of them, was refused."""
        found = [wrong.reason for wrong in self.task.wrong if self._is_wrong(wrong, below)]
        return " ".join(dict.fromkeys(found))

    def leads_at(self, *below: str) -> bool:
        """Whether these places have the first thing that was refused."""
        return bool(self.task.wrong) and self._is_wrong(self.task.wrong[0], below)

    def _is_wrong(self, wrong: "Wrong", below: Sequence[str]) -> bool:
        return any(wrong.is_in(f"{self.prefix}{place}") for place in below)

    @property
    def about(self) -> str:
        """What scripts are told of it, as JSON."""
        return json.dumps(
            {
                "prefix": self.prefix,
                "name": self.name,
                "required": self.required,
                "when": self.when,
                "responses": self.responses,
                "settings": asdict(self.settings),
            }
        )

    def render(self, place: str, response: "ShownResponse | None" = None) -> SafeString:
        """Its controls in the "bar", the "side", or under a "response"; what stands "above" one."""
        template = {
            "bar": self.page_part.TEMPLATE,
            "side": self.page_part.SIDE_TEMPLATE,
            "response": self.page_part.RESPONSE_TEMPLATE,
            "above": self.above,
        }[place]
        variables = {**self.variables, "part": self, "task": self.task}
        if response is not None:
            variables |= self.variables.get("by_response", {}).get(response.pk, {})
            variables["response"] = response
        return get_template(template).render(variables)


def questions_of(task: "ShownTask", form: Form, value: object) -> list[ShownQuestion]:
    """The form's questions, or the one of its only kind; `value` is that of the whole form."""
    if not isinstance(form.settings, FormSettings):
        settings = in_readers_words(form.settings)
        return [ShownQuestion(task, form.kind, PREFIX, settings, value)]
    answers = value.get("answers") if isinstance(value, Mapping) else None
    if not isinstance(answers, Mapping):
        answers = {}
    return [
        ShownQuestion(
            task=task,
            kind=question.kind,
            prefix=f"{PREFIX}.{question.name}",
            settings=in_readers_words(question.settings),
            value=answers.get(question.name),
            name=question.name,
            own_title=question.title,
            required=question.required,
            when=question.when,
            responses=question.responses,
        )
        for question in form.settings.questions
    ]


def read_value(form: Form, post: MultiValueDict) -> object:
    """What the page's fields hold, for the kind's `clean_value`, which says what is wrong."""
    if not isinstance(form.settings, FormSettings):
        value = kinds.get(form.kind).read(post, PREFIX)
        return {} if value is None else value
    answers = {
        question.name: kinds.get(question.kind).read(post, f"{PREFIX}.{question.name}")
        for question in form.settings.questions
    }
    return {"answers": {name: answer for name, answer in answers.items() if answer is not None}}


def marks_text(form: Form) -> bool:
    """Whether any question asks to mark ranges of the responses' texts."""
    names = [form.kind]
    if isinstance(form.settings, FormSettings):
        names = [question.kind for question in form.settings.questions]
    return any(kinds.get(name).MARKS_TEXT for name in names)


def least_rationale(form: Form) -> int:
    """The shortest rationale that the form, and every question of it, takes."""
    settings = [form.settings]
    if isinstance(form.settings, FormSettings):
        settings += [question.settings for question in form.settings.questions]
    return max(getattr(one, "rationale_min_chars", 0) for one in settings)
