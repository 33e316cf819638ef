"""Domains of tasks, and in which a judge has not shown that it may take a person's place."""

from collections.abc import Mapping, Sequence

from annotate.models import Judge, Task
from routing.models import DomainTest
from routing.policies.decide import Refusals
from routing.services.featurising import tag_prompts
from routing.services.tagging import effective_tags, tagger_in_use
from routing.words.reasons import Why, why

Grouping = DomainTest.Grouping


def domains_of(
    task_ids: Sequence[int], grouping: str, *, tagger: str
) -> dict[int, tuple[str, ...]]:
    """By task: its domains, one or (of subjects) up to three; "" where it has none.

    Subjects are those of the effective tags; prompts without any are tagged by the rules first.
    Two queries and the tagging.
    """
    if grouping == Grouping.ALL:
        return dict.fromkeys(task_ids, ("",))
    tasks = Task.objects.filter(pk__in=list(task_ids))
    if grouping == Grouping.STRATUM:
        return {pk: (stratum,) for pk, stratum in tasks.values_list("pk", "stratum")}
    tag_prompts(task_ids)
    prompt_of = dict(tasks.values_list("pk", "prompt_id"))
    tags = effective_tags(set(prompt_of.values()), tagger=tagger)
    return {pk: tuple(tags[prompt].subjects) or ("",) for pk, prompt in prompt_of.items()}


def refusals(judges: Sequence[Judge], grouping: str, task_ids: Sequence[int]) -> list[list[Why]]:
    """By task and judge: why the judge may not label it alone; () where it may, or where
    `grouping` is. A task of several subjects needs a judge that passed in each.
    """
    if not grouping:
        return [[() for _ in judges] for _ in task_ids]
    tests = DomainTest.objects.filter(judge__in=judges, grouping=grouping)
    found = {(test.judge_id, test.domain): test for test in tests}
    domains = domains_of(task_ids, grouping, tagger=tagger_in_use(judges[0].project))
    return [[_refusal(judge, grouping, domains[pk], found) for judge in judges] for pk in task_ids]


def refused_to(judges: Sequence[Judge], grouping: str, task_ids: Sequence[int]) -> Refusals:
    """The same as policies take it; rows in the order of the tasks."""
    return Refusals.of(refusals(judges, grouping, task_ids))


def _refusal(
    judge: Judge,
    grouping: str,
    domains: Sequence[str],
    tests: Mapping[tuple[int, str], DomainTest],
) -> Why:
    for domain in domains:
        test = tests.get((judge.pk, domain))
        if test is None or not test.passed:
            values: list[str | float] = [str(judge)]
            if test is None:
                code = "untested"
            elif test.missing:
                code = "unlabelled"
            else:
                code = "failed"
                values.append(test.winning_rate)
            if grouping == Grouping.ALL:
                return why(code, *values)
            if not domain:
                return why(f"{code} no {grouping}", *values)
            return why(f"{code} {grouping}", *values, domain)
    return ()
