"""Participants of panels: they come in, are through, go back, or are taken out by the panel.

Each has an account without name, e-mail and password, and is one person in all studies of a
project. Whoever writes holds the membership.
"""

import re
from collections.abc import Mapping

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from annotate import handout
from annotate.inputs import InvalidValue, clean_choice
from annotate.models import (
    Installation,
    Membership,
    PanelStudy,
    Participation,
    Project,
    Standing,
    User,
)
from annotate.models.user import new_pseudonym
from annotate.reports.held import Held, held_back
from annotate.services import audit
from annotate.services.people.joining import join
from annotate.services.people.panels import signature
from annotate.services.people.rates import count_try
from annotate.services.work.practice import practice_of
from annotate.wording import translatable

State = Participation.State
TAKEN_OUT = (State.RETURNED.value, State.TIMED_OUT.value)
SIGNATURE = "SIGNATURE"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")

MISSING = translatable("is missing from the address; open the study from the panel’s page again")
DAMAGED = translatable("is damaged in the address; open the study from the panel’s page again")
UNSIGNED = translatable("does not fit the address; open the study from the panel’s page again")
CLOSED = translatable("this study is closed; return it on the panel’s page")
REPLACED = (State.SCREENED_OUT, State.NO_CONSENT, State.RETURNED, State.TIMED_OUT)
FULL = translatable("this study has all the people that it asked for; return it there")
ELSEWHERE = translatable("you take part in another study of the same project; finish there first")
ENDED = translatable("you ended the account that you took part with; it cannot be begun anew")
NO_MORE = translatable("this study lets you in no more; ask whoever runs it")


class NotLetIn(InvalidValue):
    """The link may be right, but lets nobody in now."""


class Forged(InvalidValue):
    """The link's parameters are missing, damaged, or not signed as they must be."""


def read_entry(study: PanelStudy, given: Mapping[str, str], address: str | None) -> dict[str, str]:
    """participant, panel_study and session of a link's parameters. Raises Forged, TooManyTries."""
    names = {
        "participant": study.participant_parameter,
        "panel_study": study.study_parameter,
        "session": study.session_parameter,
    }
    entry = {field: given.get(name, "") for field, name in names.items()}
    try:
        if not entry["participant"]:
            raise Forged(
                names["participant"],
                MISSING,
            )
        for field, name in names.items():
            if entry[field] and not _ID.fullmatch(entry[field]):
                raise Forged(name, DAMAGED)
        if study.signed and not constant_time_compare(
            given.get(SIGNATURE, ""), signature(study, **entry)
        ):
            raise Forged(SIGNATURE, UNSIGNED)
    except Forged:
        count_try("panel", address, **settings.INVITATION_LIMITS["wrong"])
        raise
    return entry


def enter(*, study: PanelStudy, entry: Mapping[str, str], address: str | None) -> Participation:
    """The participation, made now or the one there is, whatever became of it. `entry` as read.

    Raises NotLetIn: the study is closed or full, or they are at another study of the project; and
    TooManyTries for accounts by made-up ids, where links are not signed.
    """
    if not study.signed and not _is_known(study, entry):
        limit = settings.INVITATION_LIMITS["registered"]
        count_try("panel entry", f"{study.pk}:{address}", **limit)
    mark = _renewed_mark(study.project, entry["participant"])
    with transaction.atomic():
        # Of the project, since nobody gets a second account by entering two studies at once.
        Project.objects.select_for_update(no_key=True).get(pk=study.project_id)
        if Participation.objects.filter(study__project=study.project, participant=mark).exists():
            raise NotLetIn("study", ENDED)
        rows = PanelStudy.objects.select_related("project").select_for_update(of=["self"])
        study = rows.get(pk=study.pk)
        known = study.participations.select_related("user", "study__project")
        found = known.filter(participant=entry["participant"]).first()
        if found is not None:
            _require_participant(found)
            if found.state == State.ACTIVE and entry["session"]:
                found.session = entry["session"]
                found.save(update_fields=["session"])
            return found
        return _begin(study, entry, address)


def own_participation(project: Project, user: User) -> Participation | None:
    """The newest one of this person in the project."""
    rows = Participation.objects.filter(user=user, study__project=project)
    return rows.select_related("study__project").order_by("-pk").first()


def settle(participation: Participation, held: Held | None) -> Participation:
    """End it where what was wanted is done, or checks end it; else it stays as it is.

    `held`: why they get no task now. A floor of known answers that was missed and a quiz without a
    further try screen out; a pause by a manager, or a lack of tasks, decides nothing.
    """
    if participation.state != State.ACTIVE or held is None:
        return participation
    outcome = None
    if held.why == "total":
        # Who had all that the project allows before this study began did nothing in it.
        done = Membership.objects.filter(
            project=participation.study.project_id,
            user=participation.user_id,
            done_count__gt=participation.done_before,
        )
        outcome = State.COMPLETED if done.exists() else State.NOTHING_LEFT
    elif held.why == "paused":
        by_checks = Standing.objects.filter(
            membership__project=participation.study.project_id,
            membership__user=participation.user_id,
            paused_why=Standing.Why.GOLD,
        )
        outcome = State.SCREENED_OUT if by_checks.exists() else None
    elif held.why == "practice":
        now = practice_of(project=participation.study.project, user=participation.user)
        outcome = State.SCREENED_OUT if now.tries_left == 0 and now.run is None else None
    if outcome is None:
        return participation
    return _end(participation, outcome, actor=participation.user)


def leave(*, participation: Participation, outcome: object, address: str | None) -> Participation:
    """The participant ends it: did not agree, or finds nothing left to do. Raises InvalidValue.

    Whom checks or limits keep from tasks has not found that nothing is left: see `settle`.
    """
    chosen = clean_choice("outcome", outcome, [State.NO_CONSENT.value, State.NOTHING_LEFT.value])
    if chosen == State.NOTHING_LEFT:
        project, user = participation.study.project, participation.user
        held = held_back(project.pk, user)
        settled = settle(participation, held)
        if settled.state != State.ACTIVE:
            return settled
        if held is not None:
            raise InvalidValue(
                "outcome", "you are not through yet: go on with your tasks, or return the study"
            )
        if project.state == Project.State.ACTIVE and handout.lease_seat(project=project, user=user):
            raise InvalidValue("outcome", "there are tasks again; go on, or return the study")
    return _end(participation, State(chosen), actor=participation.user, address=address)


def release(
    *,
    study: PanelStudy,
    participant: object,
    reason: object,
    actor: User,
    address: str | None = None,
) -> Participation:
    """The panel says that they returned or timed out: what they hold goes to others at once.

    What they judged stays. Doing it twice changes nothing. Raises InvalidValue.
    """
    outcome = clean_choice("reason", reason, TAKEN_OUT)
    rows = study.participations.select_related("user", "study__project")
    found = None
    if isinstance(participant, str):
        names = [participant, _forgotten(study.project, participant)]
        names += _forgotten_before(study.project, participant)
        found = rows.filter(participant__in=names).first()
    if found is None:
        raise InvalidValue("participant", "nobody with this id took part in the study")
    return _end(found, State(outcome), actor=actor, address=address)


@transaction.atomic
def forget_participant(*, user: User, address: str | None = None) -> None:
    """Take the panel's ids from what the person took part in, as their account ends.

    A participation that still goes on is returned. What stays in the id's place is a keyed hash of
    it, by which the same person is not taken for a new one in this project.
    """
    rows = Participation.objects.select_related("user", "study__project").filter(user=user)
    for row in rows.order_by("pk"):
        ended = _end(row, State.RETURNED, actor=user, address=address)
        ended.participant = _forgotten(ended.study.project, ended.participant)
        ended.panel_study = ended.session = ""
        ended.save(update_fields=["participant", "panel_study", "session"])


def _forgotten(project: Project, participant: str) -> str:
    """By a key that is kept with the data, so that a new SECRET_KEY forgets nobody."""
    mark = Installation.this().mark_of("panel", str(project.pk), participant)
    return Participation.FORGOTTEN + mark


def _forgotten_before(project: Project, participant: str) -> list[str]:
    """As it was written at first: by SECRET_KEY, or one of SECRET_KEY_FALLBACKS."""
    text = f"{project.pk}:{participant}"
    return [
        Participation.FORGOTTEN
        + salted_hmac(
            "annotate.panel.forgotten", text, secret=secret, algorithm="sha256"
        ).hexdigest()
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def _renewed_mark(project: Project, participant: str) -> str:
    """`_forgotten`, which takes the place of what was written before, as the id is known now."""
    mark = _forgotten(project, participant)
    rows = Participation.objects.filter(study__project=project)
    rows.filter(participant__in=_forgotten_before(project, participant)).update(participant=mark)
    return mark


def _begin(study: PanelStudy, entry: Mapping[str, str], address: str | None) -> Participation:
    if study.closed_at is not None or study.project.archived_at is not None:
        raise NotLetIn("study", CLOSED)
    if study.places and study.taken >= study.places:
        raise NotLetIn("study", FULL)
    earlier = Participation.objects.filter(
        study__project=study.project, participant=entry["participant"]
    ).select_related("user", "study")
    before = earlier.order_by("-pk").first()
    if before is None:
        member = _new_member(study.project)
    else:
        _require_participant(before)
        if earlier.filter(state=State.ACTIVE).exists():
            raise NotLetIn("study", ELSEWHERE)
        member = Membership.objects.get(project=study.project, user=before.user)
    member = handout.lock_person(project_id=study.project_id, user_id=member.user_id)
    cap = member.done_count + study.tasks_each if study.tasks_each else None
    Standing.objects.update_or_create(membership=member, defaults={"cap_own": cap})
    made = Participation.objects.create(
        study=study, user=member.user, done_before=member.done_count, **entry
    )
    study.taken += 1
    study.save(update_fields=["taken"])
    _record(made, member.user, address, action="panel.entered")
    return made


def _is_known(study: PanelStudy, entry: Mapping[str, str]) -> bool:
    rows = Participation.objects.filter(study__project=study.project_id)
    return rows.filter(participant=entry["participant"]).exists()


def _new_member(project: Project) -> Membership:
    pseudonym = new_pseudonym()
    user = User(username=f"panel-{pseudonym}", pseudonym=pseudonym)
    user.set_unusable_password()
    user.save()
    return join(project=project, user=user, role=Membership.Role.ANNOTATOR, fields={})


def _require_participant(found: Participation) -> None:
    """A link lets nobody into an account that may do more than annotate this project."""
    member = Membership.objects.filter(project=found.study.project_id, user=found.user).first()
    user = found.user
    others = Membership.objects.filter(user=user).exclude(project=found.study.project_id)
    plain = user.is_active and not (
        user.is_staff or user.is_superuser or user.has_usable_password()
    )
    if member is None or member.role != Membership.Role.ANNOTATOR or not plain or others.exists():
        raise NotLetIn("study", NO_MORE)


@transaction.atomic
def _end(
    participation: Participation, outcome: State, *, actor: User, address: str | None = None
) -> Participation:
    """Open seats go back; nothing more is handed out. The first outcome stays.

    Where a panel sends somebody else instead their place in the study is free again.
    """
    project = participation.study.project
    # The study before the person, as who enters locks them.
    studies = PanelStudy.objects.select_for_update(of=["self"])
    study = studies.get(pk=participation.study_id)
    member = handout.lock_person(project_id=project.pk, user_id=participation.user_id)
    rows = Participation.objects.select_related("user", "study__project")
    found = rows.select_for_update(of=["self"]).get(pk=participation.pk)
    if found.state != State.ACTIVE:
        return found
    found.state, found.ended_at, found.done = outcome, timezone.now(), 0
    if member is not None:
        found.done = max(0, member.done_count - found.done_before)
        handout.release_all(project=project, user=found.user)
        defaults = {"cap_own": member.done_count}
        Standing.objects.update_or_create(membership=member, defaults=defaults)
    found.save(update_fields=["state", "ended_at", "done"])
    if outcome in REPLACED:
        study.taken -= 1
        study.save(update_fields=["taken"])
    _record(found, actor, address, action="panel.ended", outcome=outcome.value, done=found.done)
    return found


def _record(
    row: Participation, actor: User, address: str | None, *, action: str, **detail: object
) -> None:
    audit.record(
        action=action,
        target=row,
        actor=actor,
        project=row.study.project,
        address=address,
        user=row.user_id,
        **detail,
    )
