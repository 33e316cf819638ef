"""Filters by who judged, when, and in which language, as conditions on judgements `j`."""

from typing import Any

from annotate.inputs import InvalidValue
from annotate.models import Judge, Judgement, Membership, Project, User
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.export_parameters import names_of
from annotate.services.outgoing.refused_choices import RefusedChoice
from annotate.services.people.pseudonyms import imported_pseudonym

MOST_TOLD = 20
LANGUAGE = """EXISTS (
    SELECT FROM annotate_task s JOIN annotate_prompt p ON p.id = s.prompt_id
    WHERE s.id = j.task_id AND (lower(p.language) = ANY(%s)
        OR lower(split_part(p.language, '-', 1)) = ANY(%s)))"""


def narrowing_conditions(project: Project, filters: ExportFilters) -> tuple[list[str], list[Any]]:
    """Conditions and their parameters. Raises RefusedChoice for whoever is not there.

    At most one query for each of people, their imported names, judges and the tier.
    """
    where: list[str] = []
    params: list[Any] = []
    if filters.person or filters.judge:
        users, authors = _people(project, names_of(filters.person))
        judges = _judges(project, names_of(filters.judge))
        where.append(
            "(j.annotator_id = ANY(%s) OR j.judge_id = ANY(%s)"
            " OR (j.source = 'imported' AND j.imported_author = ANY(%s)))"
        )
        params += [users, judges, authors]
    if filters.tier != "any":
        members = Membership.objects.filter(project=project, tier=filters.tier)
        where.append("j.annotator_id = ANY(%s)")
        params.append(list(members.values_list("user_id", flat=True)))
    for day, sign in ((filters.after, ">="), (filters.before, "<")):
        if day:
            where.append(f"j.submitted_at {sign} %s::date::timestamp AT TIME ZONE 'UTC'")
            params.append(day)
    if filters.language:
        tags = [tag.lower() for tag in names_of(filters.language)]
        where.append(LANGUAGE)
        params += [tags, tags]
    return where, params


def _people(project: Project, pseudonyms: list[str]) -> tuple[list[int], list[str]]:
    """Ids of people, and names as files have them."""
    if not pseudonyms:
        return [], []
    users = dict(User.objects.filter(pseudonym__in=pseudonyms).values_list("pseudonym", "pk"))
    imported = {}
    if missing := set(pseudonyms) - set(users):
        rows = Judgement.objects.filter(project=project, source="imported")
        named = rows.exclude(imported_author="").values_list("imported_author", flat=True)
        for author in named.order_by().distinct().iterator():
            imported[imported_pseudonym(project.pk, author)] = author
        missing -= set(imported)
    if missing:
        raise RefusedChoice(
            InvalidValue(
                "person",
                "Nobody has the pseudonym {name}. Raw rows and the list of members have them.",
                name=min(missing)[:80],
            )
        )
    return list(users.values()), [imported[name] for name in pseudonyms if name in imported]


def _judges(project: Project, names: list[str]) -> list[int]:
    """Ids of all versions of the judges of these names, or of the one named with its version."""
    if not names:
        return []
    found, known = [], set()
    for pk, name, version in Judge.objects.filter(project=project).values_list(
        "pk", "name", "version"
    ):
        known |= {name, f"{name} v{version}"}
        if name in names or f"{name} v{version}" in names:
            found.append(pk)
    if missing := set(names) - known:
        raise RefusedChoice(
            InvalidValue(
                "judge",
                "There is no judge {name} here. Known: {known}.",
                name=min(missing)[:80],
                known=", ".join(sorted(known)[:MOST_TOLD]) or "–",
            )
        )
    return found
