"""What is agreed to before the first task: written by managers, given and withdrawn by members.

A new text asks everybody again. Withdrawing ends the work: what is open goes back, unfinished
answers and the answers on oneself are deleted. What was judged stays, under the pseudonym.
"""

from django.db import transaction
from django.utils import timezone

from annotate import handout
from annotate.inputs import InvalidValue, clean_boolean, clean_text
from annotate.models import Consent, ConsentText, Draft, Membership, ProfileAnswer, Project, User
from annotate.services import audit

MAX_CHARS = 100_000


@transaction.atomic
def set_consent(
    *,
    project: Project,
    actor: User,
    text: object,
    shows_answers: object = False,
    compares_groups: object = False,
    address: str | None = None,
) -> Project:
    """Another text, which everybody is asked to agree to anew; an empty one asks nobody any more.

    Nothing happens where nothing changes. Raises InvalidValue.
    """
    cleaned = clean_text("text", text, max_chars=MAX_CHARS)
    allowed = {
        "shows_answers": clean_boolean("shows_answers", shows_answers),
        "compares_groups": clean_boolean("compares_groups", compares_groups),
    }
    project = Project.objects.select_for_update(of=["self"], no_key=True).get(pk=project.pk)
    before = project.consent
    asks = bool(cleaned.strip())
    if asks == (before is not None) and (
        before is None
        or (before.text == cleaned and all(getattr(before, n) == v for n, v in allowed.items()))
    ):
        return project
    last = project.consent_texts.order_by("-number").values_list("number", flat=True).first() or 0
    project.consent = None
    action = "consent.ended"
    if asks:
        action = "consent.changed"
        project.consent = ConsentText.objects.create(
            project=project,
            number=last + 1,
            text=cleaned,
            **allowed,
            created_by=actor,
        )
    project.save(update_fields=["consent"])
    audit.record(
        action=action,
        target=project.consent or project,
        actor=actor,
        project=project,
        address=address,
        **({"version": last + 1, **allowed} if asks else {}),
    )
    return project


@transaction.atomic
def give_consent(
    *, membership: Membership, number: object, address: str | None = None
) -> Membership:
    """Agree to the text in force, which must be the one with this number: the one that was read.

    Agreeing twice changes nothing. Raises InvalidValue.
    """
    membership, text = _locked(membership)
    if text is None:
        raise InvalidValue("version", "this project asks for no consent")
    if number != text.number:
        raise InvalidValue("version", "the text was changed meanwhile; read it again")
    if membership.consent_id != text.pk:
        membership.consent = text
        membership.save(update_fields=["consent"])
        Consent.objects.get_or_create(text=text, user=membership.user, withdrawn_at=None)
        _record(membership, text, address, action="consent.given")
    return membership


@transaction.atomic
def withdraw_consent(*, membership: Membership, address: str | None = None) -> Membership:
    """Take it back, for all texts of the project. Raises InvalidValue: none was given."""
    membership, _ = _locked(membership)
    user, project = membership.user, membership.project
    given = Consent.objects.filter(text__project=project, user=user, withdrawn_at=None)
    latest = given.order_by("-pk").select_related("text").first()
    if latest is None:
        raise InvalidValue("consent", "you have not agreed to anything here")
    handout.release_all(project=project, user=user)
    given.update(withdrawn_at=timezone.now())
    Draft.objects.filter(seat__project=project, annotator=user).delete()
    ProfileAnswer.objects.filter(project=project, user=user).delete()
    membership.consent = None
    membership.profile_asked_at = None
    membership.save(update_fields=["consent", "profile_asked_at"])
    _record(membership, latest.text, address, action="consent.withdrawn")
    return membership


def _locked(membership: Membership) -> tuple[Membership, ConsentText | None]:
    """The row, locked, and its project's text in force."""
    rows = Membership.objects.select_for_update(of=["self"], no_key=True)
    found = rows.select_related("user", "project__consent").get(pk=membership.pk)
    return found, found.project.consent


def _record(member: Membership, text: ConsentText, address: str | None, *, action: str) -> None:
    audit.record(
        action=action,
        target=text,
        actor=member.user,
        project=member.project,
        address=address,
        version=text.number,
    )
