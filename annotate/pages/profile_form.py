"""Questions on oneself as fields of a form: chosen by number, so that no choice means another."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.inputs import InvalidValue
from annotate.pages.reasons import in_words
from annotate.profile_questions import DECLINED, MAX_TEXT_CHARS, Question

RATHER_NOT = "declined"
PREFER_NOT = _("Prefer not to say")


class ProfileForm(forms.Form):
    """`q-<name>` is the answer; `q-<name>-declined` ticks that one would rather not say."""

    def __init__(
        self,
        data: Mapping | None = None,
        *,
        questions: Sequence[Question],
        answers: Mapping[str, Any],
    ) -> None:
        super().__init__(data, label_suffix="")
        self.questions = questions
        for question in questions:
            name = _name(question)
            self.fields[name] = _field(question)
            if question.name in answers:
                self.initial[name] = _initial(question, answers[question.name])
            if question.kind in ("text", "number"):
                self.fields[f"{name}-{RATHER_NOT}"] = forms.BooleanField(
                    required=False,
                    label=_("Prefer not to say: %(title)s") % {"title": question.title},
                )
                self.initial[f"{name}-{RATHER_NOT}"] = (
                    question.name in answers and answers[question.name] is DECLINED
                )

    def answers(self) -> dict[str, Any]:
        """By question, as services/people/profiles.py takes them; without what was left empty."""
        found = {}
        for question in self.questions:
            name = _name(question)
            given = self.cleaned_data.get(name)
            if self.cleaned_data.get(f"{name}-{RATHER_NOT}") or _declines(question, given):
                found[question.name] = DECLINED
            elif given not in (None, "", []):
                found[question.name] = _value(question, given)
        return found

    def refuse(self, refused: InvalidValue) -> None:
        """Each reason at its question."""
        for error in refused.all:
            name = f"q-{error.field.partition('.')[0]}"
            text = in_words(error)
            self.add_error(name if name in self.fields else None, text[:1].upper() + text[1:])


def _name(question: Question) -> str:
    return f"q-{question.name}"


def _field(question: Question) -> forms.Field:
    numbered = [(str(place), choice) for place, choice in enumerate(question.choices)]
    shown: dict[str, Any] = {"label": question.title, "required": False}
    if question.kind == "choice":
        return forms.ChoiceField(choices=[("", "–"), *numbered, (RATHER_NOT, PREFER_NOT)], **shown)
    if question.kind == "multiple":
        return forms.MultipleChoiceField(
            choices=[*numbered, (RATHER_NOT, PREFER_NOT)],
            widget=forms.CheckboxSelectMultiple,
            **shown,
        )
    if question.kind == "number":
        return forms.FloatField(widget=forms.NumberInput(attrs={"step": "any"}), **shown)
    return forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}), max_length=MAX_TEXT_CHARS, **shown
    )


def _initial(question: Question, answer: Any) -> Any:
    if question.kind == "choice":
        return RATHER_NOT if answer is DECLINED else str(question.choices.index(answer))
    if question.kind == "multiple":
        if answer is DECLINED:
            return [RATHER_NOT]
        return [str(question.choices.index(one)) for one in answer]
    return None if answer is DECLINED else answer


def _declines(question: Question, given: Any) -> bool:
    """Ticking it beside others counts as preferring not to say."""
    if question.kind == "multiple":
        return RATHER_NOT in (given or [])
    return question.kind == "choice" and given == RATHER_NOT


def _value(question: Question, given: Any) -> Any:
    if question.kind == "choice":
        return question.choices[int(given)]
    if question.kind == "multiple":
        return [question.choices[int(one)] for one in given]
    return given
