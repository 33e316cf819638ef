"""All that is kept of one person, as one JSON document for that person."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.utils import timezone

from annotate.models import (
    AuditEvent,
    ChatReply,
    ChatSession,
    Draft,
    Invitation,
    Judgement,
    Note,
    PracticeAnswer,
    Review,
    Skip,
    User,
)

FORMAT = "tandem-own-data"
VERSION = 1
BATCH = 1000


def stream_own_data(user: User) -> Iterator[str]:
    """The document in pieces, in constant memory: batches by id.

    An object of `account` and of lists, one for each of SECTIONS. Other people's names are not in
    it, nor what others judged.
    """
    yield f'{{"format": {_json(FORMAT)}, "version": {VERSION}, "made_at": {_json(timezone.now())}'
    yield f',\n"account": {_json(_account(user))}'
    for name, rows in SECTIONS.items():
        yield f',\n"{name}": ['
        for number, row in enumerate(rows(user)):
            yield ("\n" if number == 0 else ",\n") + _json(row)
        yield "]"
    yield "}\n"


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)


def _walk(rows: QuerySet) -> Iterator[Any]:
    """In order of id, so many at a time, whatever the number."""
    after = 0
    while batch := list(rows.filter(pk__gt=after).order_by("pk")[:BATCH]):
        yield from batch
        after = batch[-1].pk


def _account(user: User) -> dict[str, Any]:
    return {
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "pseudonym": user.pseudonym,
        "joined_at": user.date_joined,
        "last_login_at": user.last_login,
    }


def _tokens(user: User) -> Iterator[dict[str, Any]]:
    for token in _walk(user.api_tokens.all()):
        yield {
            "name": token.name,
            "scopes": token.scopes,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "revoked_at": token.revoked_at,
            "last_used_at": token.last_used_at,
            "project": token.project_id,
        }


def _identities(user: User) -> Iterator[dict[str, Any]]:
    """At providers that the person signs in with."""
    for identity in _walk(user.identities.all()):
        yield {
            "issuer": identity.issuer,
            "subject": identity.subject,
            "label": identity.label,
            "created_at": identity.created_at,
            "last_used_at": identity.last_used_at,
        }


def _memberships(user: User) -> Iterator[dict[str, Any]]:
    for member in _walk(user.memberships.select_related("project", "team")):
        yield {
            **_of(member.project),
            "role": member.role,
            "tier": member.tier,
            "languages": member.languages,
            "skills": member.skills,
            "team": member.team.name if member.team else None,
            "done": member.done_count,
            "since": member.created_at,
        }


def _consents(user: User) -> Iterator[dict[str, Any]]:
    for consent in _walk(user.consents.select_related("text__project")):
        yield {
            **_of(consent.text.project),
            "version": consent.text.number,
            "text": consent.text.text,
            "given_at": consent.given_at,
            "withdrawn_at": consent.withdrawn_at,
        }


def _profile(user: User) -> Iterator[dict[str, Any]]:
    for answer in _walk(user.profile_answers.select_related("project")):
        yield {
            **_of(answer.project),
            "question": answer.question,
            "answer": answer.value,
            "prefers_not_to_say": answer.value is None,
            "answered_at": answer.answered_at,
        }


def _judgements(user: User) -> Iterator[dict[str, Any]]:
    for row in _walk(Judgement.objects.filter(annotator=user).select_related("project")):
        yield {
            "id": row.pk,
            **_of(row.project),
            "task": row.task_id,
            "kind": row.kind,
            "value": row.value,
            "rationale": row.rationale,
            "flag": row.flag,
            "shown_order": row.shown_order,
            "seconds_active": row.seconds_active,
            "started_at": row.started_at,
            "submitted_at": row.submitted_at,
            "late": row.late,
            "supersedes": row.supersedes_id,
        }


def _drafts(user: User) -> Iterator[dict[str, Any]]:
    for draft in _walk(Draft.objects.filter(annotator=user).select_related("seat__project")):
        yield {
            **_of(draft.seat.project),
            "task": draft.seat.task_id,
            "value": draft.value,
            "saved_at": draft.saved_at,
        }


def _practice(user: User) -> Iterator[dict[str, Any]]:
    """What was answered in training and quiz; which answers were right a quiz does not tell."""
    answers = PracticeAnswer.objects.filter(run__annotator=user).select_related("run__project")
    for answer in _walk(answers):
        yield {
            **_of(answer.run.project),
            "stage": answer.run.stage,
            "task": answer.task_id,
            "value": answer.value,
            "rationale": answer.rationale,
            "seconds_active": answer.seconds_active,
            "answered_at": answer.answered_at,
        }


def _skips(user: User) -> Iterator[dict[str, Any]]:
    for skip in _walk(Skip.objects.filter(annotator=user).select_related("seat__project")):
        yield {
            **_of(skip.seat.project),
            "task": skip.task_id,
            "reason": skip.reason,
            "note": skip.note,
            "created_at": skip.created_at,
        }


def _reviews(user: User) -> Iterator[dict[str, Any]]:
    """What the person decided about others' answers."""
    for review in _walk(Review.objects.filter(reviewer=user).select_related("project")):
        yield {
            **_of(review.project),
            "task": review.task_id,
            "judgement": review.judgement_id,
            "decision": review.decision,
            "note": review.note,
            "created_at": review.created_at,
        }


def _notes(user: User) -> Iterator[dict[str, Any]]:
    for note in _walk(Note.objects.filter(author=user).select_related("project")):
        yield {
            **_of(note.project),
            "task": note.task_id,
            "judgement": note.judgement_id,
            "deed": note.deed,
            "text": note.text,
            "created_at": note.created_at,
        }


def _chats(user: User) -> Iterator[dict[str, Any]]:
    """Models by letter: which is which is not for the person."""
    for session in _walk(ChatSession.objects.filter(annotator=user).select_related("project")):
        turns = []
        replies: dict[int, list[dict[str, str]]] = {}
        standing = ChatReply.objects.filter(turn__session=session).standing()
        for reply in standing.order_by("letter", "attempt"):
            said = {"letter": reply.letter, "text": reply.text}
            replies.setdefault(reply.turn_id, []).append(said)
        for turn in session.turns.order_by("number"):
            turns.append(
                {
                    "message": turn.message,
                    "verdict": turn.verdict,
                    "replies": replies.get(turn.pk, []),
                    "sent_at": turn.created_at,
                }
            )
        yield {**_of(session.project), "task": session.task_id, "turns": turns}


def _invitations(user: User) -> Iterator[dict[str, Any]]:
    """Those that the person made."""
    for one in _walk(Invitation.objects.filter(created_by=user).select_related("project")):
        yield {
            **_of(one.project),
            "role": one.role,
            "note": one.note,
            "email": one.email,
            "uses": one.uses,
            "created_at": one.created_at,
        }


def _panels(user: User) -> Iterator[dict[str, Any]]:
    for one in _walk(user.participations.select_related("study__project")):
        yield {
            **_of(one.study.project),
            "study": one.study.name,
            "participant": one.participant,
            "panel_study": one.panel_study,
            "session": one.session,
            "state": one.state,
            "started_at": one.started_at,
            "ended_at": one.ended_at,
        }


def _deeds(user: User) -> Iterator[dict[str, Any]]:
    for event in _walk(AuditEvent.objects.filter(actor=user)):
        yield {
            "action": event.action,
            "project": event.project_id,
            "address": event.address,
            "at": event.created_at,
        }


def _of(project) -> dict[str, Any]:
    return {"project": project.pk, "project_name": project.name}


SECTIONS: dict[str, Callable[[User], Iterator[dict[str, Any]]]] = {
    "tokens": _tokens,
    "identities": _identities,
    "memberships": _memberships,
    "consents": _consents,
    "profile": _profile,
    "judgements": _judgements,
    "drafts": _drafts,
    "practice": _practice,
    "skips": _skips,
    "chats": _chats,
    "reviews": _reviews,
    "notes": _notes,
    "invitations": _invitations,
    "panels": _panels,
    "deeds": _deeds,
}
