"""Prompts with their tags, as people look for them, and what each tagger said of one."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from annotate.models import Judge, Project, Prompt
from routing.features.tag_answers import tags_of
from routing.features.tagger import RuleTagger
from routing.models import PERSON, JudgeRun, PromptTagging, TaggerChoice, model_tagger
from routing.services.tagging import ranked
from routing.services.tagging_runs import untagged

PAGE = 50
SET_BY = {
    "": _("Anybody"),
    "person": _("A person"),
    "tagger": _("The tagger"),
    "rules": _("The rules"),
    "nobody": _("Nobody yet"),
}
FLAGS = {"English": "english", "material": "material", "format": "format"}


@dataclass(frozen=True)
class Tagged:
    """One prompt with the tags that count. `set_by`: PERSON, a tagger, or empty."""

    prompt: Prompt
    set_by: str
    tags: list[str]

    @property
    def is_corrected(self) -> bool:
        return self.set_by == PERSON


def filter_prompts(
    project: Project, *, tag: str = "", set_by: str = "", tagger: str
) -> QuerySet[Prompt]:
    """The project's prompts to which the tag applies, by what counts: a person's answer, else the
    tagger's.
    """
    mine = PromptTagging.objects.filter(prompt=OuterRef("pk"))
    order = ranked(tagger)
    counts = {
        name: Q(Exists(mine.filter(tagger=name))) & ~Q(Exists(mine.filter(tagger__in=order[:rank])))
        for rank, name in enumerate(order)
    }
    rows = Prompt.objects.filter(project=project)
    if tag:
        holds = answer_holds(tag)
        wanted = [counts[name] & Q(Exists(mine.filter(holds, tagger=name))) for name in order]
        rows = rows.filter(reduce(or_, wanted))
    if set_by == "nobody":
        rows = rows.filter(~Exists(mine.filter(tagger__in=order)))
    elif set_by:
        names = {"person": PERSON, "tagger": tagger, "rules": RuleTagger.name}
        rows = rows.filter(counts[names[set_by]])
    return rows


def answer_holds(tag: str) -> Q:
    """That an answer has the tag, by its name as a feature specification has it."""
    if tag in FLAGS:
        return Q(**{f"answer__{FLAGS[tag]}": True})
    question, _colon, value = tag.partition(": ")
    if question == "subject":
        return Q(answer__subjects__contains=[value])
    return Q(**{f"answer__{question.replace('-', '_')}": value})


def tagged(prompts: Iterable[Prompt], tagger: str) -> list[Tagged]:
    """With `taggings` prefetched, no query."""
    found = []
    for prompt in prompts:
        answers = {one.tagger: one.answer for one in prompt.taggings.all()}
        by = next((name for name in ranked(tagger) if name in answers), "")
        names = sorted(tags_of(answers[by]).names()) if by else []
        found.append(Tagged(prompt, by, names))
    return found


def page_of_prompts(
    rows: QuerySet[Prompt], tagger: str, before: int | None
) -> tuple[list[Tagged], int | None]:
    """Up to PAGE below the id `before`, the newest first, and where the next page begins."""
    rows = rows.order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.prefetch_related("taggings")[: PAGE + 1])
    shown = found[:PAGE]
    return tagged(shown, tagger), shown[-1].pk if len(found) > PAGE else None


def tagger_names(project: Project) -> dict[str, Any]:
    """How taggers are called on pages, by the name that is kept. One query."""
    judges = Judge.objects.filter(project=project)
    return {
        PERSON: _("A person"),
        RuleTagger.name: _("Rules"),
        **{model_tagger(judge.pk): str(judge) for judge in judges},
    }


@dataclass(frozen=True)
class TaggerStanding:
    """How far the tagger in use has come. `run`: of a judge, its latest run that tags."""

    tagger: str
    judge: int | None
    tagged: int
    waiting: int
    corrected: int
    latest: JudgeRun | None

    @property
    def run(self) -> int | None:
        return self.latest and self.latest.pk

    @property
    def is_going(self) -> bool:
        return self.latest is not None and not self.latest.is_over


def tagger_standing(project: Project) -> TaggerStanding:
    """Five queries at most."""
    choice = TaggerChoice.objects.filter(project=project).select_related("judge").first()
    tagger = RuleTagger.name if choice is None else choice.tagger
    mine = PromptTagging.objects.filter(prompt__project=project)
    waiting, latest = 0, None
    if choice is not None:
        waiting = untagged(choice.judge).count()
        latest = choice.judge.runs.filter(purpose=JudgeRun.Purpose.TAG).order_by("-pk").first()
    return TaggerStanding(
        tagger=tagger,
        judge=choice and choice.judge_id,
        tagged=mine.filter(tagger=tagger).count(),
        waiting=waiting,
        corrected=mine.filter(tagger=PERSON).count(),
        latest=latest,
    )
