"""Tags of prompts: whose answer counts, and corrections by people with their history."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from annotate.media.as_text import text_turns
from annotate.models import Project, Prompt, User
from annotate.services import audit
from routing.features.tag_answers import clean_answer, tags_of
from routing.features.tagger import PromptTags, RuleTagger
from routing.models import PERSON, PromptTagging, TagCorrection, TaggerChoice


def ranked(tagger: str) -> list[str]:
    """Whose answer counts, the first that is there: people, the tagger, and the rules where the
    tagger has not answered.
    """
    return list(dict.fromkeys([PERSON, tagger, RuleTagger.name]))


def tagger_in_use(project: Project) -> str:
    """The name of the tagger that was chosen; the rules where none was. One query."""
    choice = TaggerChoice.objects.filter(project=project).first()
    return RuleTagger.name if choice is None else choice.tagger


def effective_tags(prompt_ids: Iterable[int], *, tagger: str) -> dict[int, PromptTags]:
    """By prompt: a person's correction, else the tagger's answer, else the rules'. One query."""
    order = ranked(tagger)
    rows = PromptTagging.objects.filter(prompt__in=list(prompt_ids), tagger__in=order)
    found: dict[int, tuple[int, dict[str, Any]]] = {}
    for prompt_id, by, answer in rows.values_list("prompt_id", "tagger", "answer"):
        rank = order.index(by)
        if prompt_id not in found or rank < found[prompt_id][0]:
            found[prompt_id] = rank, answer
    return {prompt_id: tags_of(answer) for prompt_id, (_, answer) in found.items()}


def prompt_text(prompt: Prompt) -> str:
    """What the person asked: all turns of theirs, the system's words first."""
    turns = [turn["content"] for turn in text_turns(prompt.conversation) if turn["role"] == "user"]
    return "\n\n".join([*([prompt.system] if prompt.system else []), *turns])


@transaction.atomic
def correct_tags(*, prompt: Prompt, actor: User, answer: object) -> PromptTagging:
    """A person's answer to every question of the taxonomy; it stands above the tagger's, also when
    the prompt is tagged anew. The same answer again changes nothing.

    Raises InvalidValue with the question's name.
    """
    cleaned = clean_answer(answer)
    Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)
    before = PromptTagging.objects.filter(prompt=prompt, tagger=PERSON).first()
    if before is not None and before.answer == cleaned:
        return before
    tagging, _ = PromptTagging.objects.update_or_create(
        prompt=prompt, tagger=PERSON, defaults={"answer": cleaned, "corrected_by": actor}
    )
    TagCorrection.objects.create(prompt=prompt, person=actor, answer=cleaned)
    audit.record(
        action="routing.tags_corrected",
        target=prompt,
        actor=actor,
        project=prompt.project,
        before=before and before.answer,
        after=cleaned,
    )
    return tagging


@transaction.atomic
def withdraw_correction(*, prompt: Prompt, actor: User) -> bool:
    """Let the tagger's answer stand again. False if nothing was corrected."""
    Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)
    before = PromptTagging.objects.filter(prompt=prompt, tagger=PERSON).first()
    if before is None:
        return False
    before.delete()
    TagCorrection.objects.create(prompt=prompt, person=actor, answer=None)
    audit.record(
        action="routing.tags_correction_withdrawn",
        target=prompt,
        actor=actor,
        project=prompt.project,
        before=before.answer,
    )
    return True
