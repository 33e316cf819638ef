"""Conversations as raw rows tell them: every attempt at every reply, with the models' names."""

from collections.abc import Collection
from typing import Any

from annotate.kinds.chat import LETTERS
from annotate.models import ChatModel, ChatReply, ChatSession, ChatTurn


def conversations(task_ids: Collection[int]) -> dict[tuple[int, int], dict[str, Any]]:
    """By task and annotator. No query for no tasks, else four."""
    if not task_ids:
        return {}
    sessions = list(ChatSession.objects.filter(task__in=task_ids))
    if not sessions:
        return {}
    turns: dict[int, list[ChatTurn]] = {session.pk: [] for session in sessions}
    for turn in ChatTurn.objects.filter(session__in=turns).order_by("number"):
        turns[turn.session_id].append(turn)
    turn_ids = [turn.pk for of_session in turns.values() for turn in of_session]
    replies: dict[int, list[ChatReply]] = {pk: [] for pk in turn_ids}
    for reply in ChatReply.objects.filter(turn__in=turn_ids).order_by("letter", "attempt"):
        replies[reply.turn_id].append(reply)
    models = ChatModel.objects.in_bulk({pk for session in sessions for pk in session.model_ids})
    return {
        (session.task_id, session.annotator_id): {
            "session": session.pk,
            "models": {
                letter: {
                    "id": pk,
                    "name": models[pk].name,
                    "model": models[pk].model,
                    "base_url": models[pk].base_url,
                    "parameters": models[pk].parameters,
                }
                for letter, pk in zip(LETTERS, session.model_ids, strict=False)
            },
            "turns": [
                {
                    "message": turn.message,
                    "sent_at": turn.created_at.isoformat(),
                    "follows": turn.follows or None,
                    "replies": [_reply(reply) for reply in replies[turn.pk]],
                }
                for turn in turns[session.pk]
            ],
        }
        for session in sessions
    }


def _reply(reply: ChatReply) -> dict[str, Any]:
    seconds = reply.finished_at and (reply.finished_at - reply.started_at).total_seconds()
    return {
        "letter": reply.letter,
        "attempt": reply.attempt,
        "state": reply.state,
        "text": reply.text,
        "failure": reply.failure or None,
        "finish_reason": reply.finish_reason or None,
        "first_text_ms": reply.first_text_ms,
        "seconds": seconds,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
    }
