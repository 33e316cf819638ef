"""Making, changing, pausing and archiving projects.

What is asked, and how it is explained, is kept in versions: each change of it makes a new one,
and judgements keep the one that they were given under.
"""

import json
import re
import secrets
from dataclasses import asdict

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate import kinds
from annotate.inputs import (
    clean_boolean,
    clean_choice,
    clean_integer,
    clean_json,
    clean_number,
    clean_text,
)
from annotate.kinds import InvalidValue
from annotate.models import FormVersion, Membership, Project, Task, User
from annotate.services import audit
from annotate.services.work import overlaps, tasks

INTEGERS = {
    "overlap": (1, 100),
    "lease_seconds": (10, 7 * 24 * 3600),
    "seed": (0, 2**31 - 1),
    "test_percent": (0, 50),
    "review_percent": (0, 100),
}
OPTIONAL_INTEGERS = {"overlap_most": (1, 100)}
SHARES = ("overlap_threshold",)
TEXTS = {"name": 200, "description": 10_000, "guidelines": 200_000}
CHOICES = {
    "order": Project.Order.values,
    "state": Project.State.values,
    "board_readers": Project.BoardReaders.values,
    "review_names": Project.ReviewNames.values,
}
BOOLEANS = ("own_figures",)
# An SPDX expression: identifiers with AND, OR and WITH between them, and brackets.
_SPDX_ID = r"\(*[\w.+:-]+\)*"
LICENSE = re.compile(rf"(?:{_SPDX_ID}(?: (?:AND|OR|WITH) {_SPDX_ID})*)?", re.ASCII)
LICENSE_CHARS = 100
FIELDS = frozenset(
    {
        *(*INTEGERS, *OPTIONAL_INTEGERS, *SHARES, *TEXTS, *CHOICES, *BOOLEANS),
        *("license", "kind", "kind_settings"),
    }
)

# What decides how many people judge a task.
OVERLAP = ("overlap", "overlap_most", "overlap_threshold")

# What a form version holds.
FORM = ("kind", "kind_settings", "guidelines")

# What prompts, seats or answers were already made from; it stays once there is a prompt.
FIXED_BY_CONTENT = ("kind", "seed")


def clean_fields(fields: dict) -> dict:
    """The fields as they are stored; types are not converted. Raises InvalidValue."""
    unknown = set(fields) - FIELDS
    if unknown:
        raise InvalidValue(
            min(map(str, unknown)),
            "unknown field; there are: {known}",
            known=", ".join(sorted(FIELDS)),
        )
    cleaned = {}
    for name, value in fields.items():
        if name in INTEGERS:
            low, high = INTEGERS[name]
            cleaned[name] = clean_integer(name, value, low=low, high=high)
        elif name in OPTIONAL_INTEGERS:
            low, high = OPTIONAL_INTEGERS[name]
            cleaned[name] = (
                value if value is None else clean_integer(name, value, low=low, high=high)
            )
        elif name in SHARES:
            cleaned[name] = value if value is None else _clean_share(name, value)
        elif name in TEXTS:
            named = name == "name"
            cleaned[name] = clean_text(
                name, value, max_chars=TEXTS[name], required=named, lines=not named
            )
        elif name in CHOICES:
            cleaned[name] = clean_choice(name, value, CHOICES[name])
        elif name in BOOLEANS:
            cleaned[name] = clean_boolean(name, value)
        elif name == "license":
            cleaned[name] = _clean_license(name, value)
        elif name == "kind":
            cleaned[name] = clean_choice(name, value, kinds.KINDS)
        else:
            cleaned[name] = clean_json(name, value, max_bytes=100_000)
    return cleaned


def _clean_license(name: str, value: object) -> str:
    text = clean_text(name, value, max_chars=LICENSE_CHARS, lines=False).strip()
    if not LICENSE.fullmatch(text) or text.count("(") != text.count(")"):
        raise InvalidValue(
            name,
            "is no SPDX expression; write such as CC-BY-4.0, MIT OR Apache-2.0, or "
            "LicenseRef-Ours, or leave it empty",
        )
    return text


def _clean_share(name: str, value: object) -> float:
    share = clean_number(name, value, low=0, high=1)
    if not 0 < share < 1:
        raise InvalidValue(name, "must lie between 0 and 1; leave it out for a clear lead")
    return share


def _check_overlap(project: Project) -> None:
    """Raises InvalidValue for numbers that contradict each other."""
    if project.overlap_most is not None and project.overlap_most < project.overlap:
        raise InvalidValue(
            "overlap_most",
            "is below {least}, the number of people that every task gets",
            least=project.overlap,
        )


def _clean_kind_settings(project: Project) -> dict:
    """The settings with every default written out, so that a later default changes nothing."""
    settings = asdict(kinds.get(project.kind).clean_settings(project.kind_settings))
    return json.loads(json.dumps(settings))


def _begin_form_version(project: Project, actor: User) -> None:
    """The project's form as it is becomes its present version."""
    last = project.form_version.number if project.form_version else 0
    project.form_version = FormVersion.objects.create(
        project=project,
        number=last + 1,
        created_by=actor,
        **{name: getattr(project, name) for name in FORM},
    )
    project.save(update_fields=["form_version"])


def _refuse_tasks_that_no_longer_fit(project: Project, settings_before: dict) -> None:
    """Raise InvalidValue if the new settings take other numbers of responses than tasks have.

    Looks through the tasks only where the settings take fewer numbers than before.
    """
    kind = kinds.get(project.kind)
    low, high = kinds.response_range(kind, kind.clean_settings(project.kind_settings))
    was_low, was_high = kinds.response_range(kind, kind.clean_settings(settings_before))
    if low <= was_low and was_high <= high:
        return
    counted = Task.objects.filter(project=project).annotate(count=Count("places"))
    misfit = counted.filter(Q(count__lt=low) | Q(count__gt=high)).order_by("pk").first()
    if misfit is not None:
        counts = {"low": low, "high": high, "task": misfit.pk, "count": misfit.count}
        if low == high:
            raise InvalidValue(
                "kind_settings.questions",
                "take {low} responses, but task {task} of this project has {count}; "
                "make a new project for them",
                **counts,
            )
        raise InvalidValue(
            "kind_settings.questions",
            "take {low} to {high} responses, but task {task} of this project has {count}; "
            "make a new project for them",
            **counts,
        )


@transaction.atomic
def create_project(*, actor: User, name: str, address: str | None = None, **fields) -> Project:
    """A new project, `actor` its owner. `fields` are FIELDS; a seed is drawn if none is given.

    Raises InvalidValue.
    """
    cleaned = clean_fields({"name": name, **fields})
    cleaned.setdefault("seed", secrets.randbelow(2**31))
    project = Project(created_by=actor, **cleaned)
    project.kind_settings = _clean_kind_settings(project)
    _check_overlap(project)
    project.save()
    _begin_form_version(project, actor)
    Membership.objects.create(project=project, user=actor, role=Membership.Role.OWNER)
    audit.record(
        action="project.created",
        target=project,
        actor=actor,
        project=project,
        address=address,
        name=project.name,
    )
    return project


@transaction.atomic
def update_project(
    *, project: Project, actor: User, address: str | None = None, **fields
) -> Project:
    """Change the project; returns it as it is now. Changes of its form begin a new version.

    A new overlap opens seats, or voids open ones, at every task that had the old one. A new
    order moves every open seat. Locks the project's row against other changes, but not against
    answers, which refer to it (no_key). Raises InvalidValue.
    """
    cleaned = clean_fields(fields)
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    project.kind_settings = _clean_kind_settings(project)  # with defaults of today
    before = {name: getattr(project, name) for name in cleaned}
    for name, value in cleaned.items():
        setattr(project, name, value)
    project.kind_settings = _clean_kind_settings(project)
    _check_overlap(project)
    if "kind_settings" in cleaned:
        cleaned["kind_settings"] = project.kind_settings
    changed = {name: value for name, value in cleaned.items() if before[name] != value}
    for name in FIXED_BY_CONTENT:
        if name in changed and project.prompts.exists():
            raise InvalidValue(
                name, "is fixed once the project has prompts; make a new project for another one"
            )
    if "kind_settings" in changed and "kind" not in changed:
        _refuse_tasks_that_no_longer_fit(project, before["kind_settings"])
    if not changed:
        return project
    project.save(update_fields=[*changed, "kind_settings"])
    if project.form_version is None or not changed.keys().isdisjoint(FORM):
        _begin_form_version(project, actor)
    if not changed.keys().isdisjoint(OVERLAP):
        _fit_seats(project, before)
    if "order" in changed:
        tasks.reorder_seats(project=project)
    audit.record(
        action="project.updated",
        target=project,
        actor=actor,
        project=project,
        address=address,
        before={name: before[name] for name in changed},
        after=changed,
    )
    return project


def _fit_seats(project: Project, before: dict) -> None:
    """To a new overlap: at once where it is fixed, by workers where it adapts."""
    if project.overlap_most is not None:
        overlaps.fit_all(project=project)
    elif before.get("overlap_most") is not None:
        tasks.fix_overlap(project=project)
    elif "overlap" in before and before["overlap"] != project.overlap:
        tasks.change_overlap(project=project, old=before["overlap"], new=project.overlap)


def pause_project(*, project: Project, actor: User) -> Project:
    """Hand out nothing more; what is in somebody's hands may still be submitted."""
    return update_project(project=project, actor=actor, state=Project.State.PAUSED)


def resume_project(*, project: Project, actor: User) -> Project:
    """Hand out again."""
    return update_project(project=project, actor=actor, state=Project.State.ACTIVE)


@transaction.atomic
def archive_project(*, project: Project, actor: User, address: str | None = None) -> Project:
    """Take the project out of every list; its rows stay. Only an owner may.

    Raises PermissionDenied.
    """
    role = Membership.objects.filter(project=project, user=actor).values_list("role", flat=True)
    if not actor.is_superuser and role.first() != Membership.Role.OWNER:
        raise PermissionDenied(_("Only an owner may archive a project; ask one of its owners."))
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if project.archived_at is None:
        project.archived_at = timezone.now()
        project.save(update_fields=["archived_at"])
        audit.record(
            action="project.archived",
            target=project,
            actor=actor,
            project=project,
            address=address,
        )
    return project
