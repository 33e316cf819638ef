"""A conversation's course: messages, and who replies to them.

Nothing here waits for a model; chat_replies.py writes down what models say.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.chat.history import Exchange, messages_for, split_prompt
from annotate.forms import Form
from annotate.inputs import InvalidValue, clean_integer, clean_text
from annotate.kinds import chat
from annotate.kinds.chat import ChatSettings
from annotate.kinds.form import FormSettings
from annotate.models import (
    ChatModel,
    ChatReply,
    ChatSession,
    ChatTurn,
    Judgement,
    Project,
    Seat,
    User,
)
from annotate.services.conversations.chat_replies import settle_abandoned
from annotate.services.reports.arena import draw_models
from annotate.services.work.seats import SeatGone, held_seat

MAX_MESSAGE = 8_000
MAX_RUNNING = len(chat.LETTERS)
MAX_ATTEMPTS = 20


class TooManyReplies(Exception):
    """The person has as many replies running as one may."""


class NotSetUp(Exception):
    """The project has fewer models than it asks for. A manager can help."""


@dataclass(frozen=True)
class TooFewModels:
    """How many models a conversation takes, and how many there are. As text, for annotators."""

    asked: int
    there: int

    def __str__(self) -> str:
        return _(
            "This project asks for %(asked)s models and has %(there)s. Ask a manager to set up "
            "more."
        ) % {"asked": self.asked, "there": self.there}


def chat_settings(form: Form) -> ChatSettings:
    """Those of the form's (first) chat. Raises Http404 where there is none."""
    if isinstance(form.settings, ChatSettings):
        return form.settings
    if isinstance(form.settings, FormSettings):
        for question in form.settings.questions:
            if isinstance(question.settings, ChatSettings):
                return question.settings
    raise Http404("This project has no live chat.")


@transaction.atomic
def send_message(
    *,
    seat_id: int,
    user: User,
    number: int,
    message: str,
    verdict: object = None,
    form: int | None = None,
) -> ChatTurn:
    """The person's next message, with the verdict on the turn before. Sent again: the first row.

    `form` is the version that was shown, by default the project's present one. The first message
    draws the models; a conversation keeps them when the project asks for others later.
    Raises InvalidValue, NotSetUp, SeatGone, Http404.
    """
    clean_text("message", message, max_chars=MAX_MESSAGE, required=True)
    seat = _seat_in_use(seat_id, user)
    settings = chat_settings(Form.as_shown(seat.project, form))
    clean_integer("number", number, low=0, high=chat.MAX_TURNS)
    session = ChatSession.objects.filter(task=seat.task_id, annotator=user).first()
    turns = list(session.turns.order_by("number")) if session else []
    if number < len(turns) and turns[number].message == message:
        return turns[number]
    if number != len(turns):
        raise InvalidValue(
            "number", "must be {number}: the conversation is there; reload", number=len(turns)
        )
    if number >= settings.max_turns:
        raise InvalidValue(
            "number",
            "goes beyond the {max_turns} turns that there may be",
            max_turns=settings.max_turns,
        )
    if session is None:
        session = _begin(seat, user, settings)
    cleaned, follows = _judge(session, turns[-1], verdict, settings) if turns else ({}, "")
    return ChatTurn.objects.create(
        session=session, number=number, message=message, verdict=cleaned, follows=follows
    )


def _seat_in_use(seat_id: int, user: User) -> Seat:
    seat = held_seat(seat_id=seat_id, user=user)
    if Judgement.objects.filter(task=seat.task_id, annotator=user).exists():
        raise SeatGone(
            _("You submitted this conversation. Undo changes its verdicts, but it cannot go on.")
        )
    return seat


def _begin(seat: Seat, user: User, settings: ChatSettings) -> ChatSession:
    there = list(available(seat.project_id))
    if len(there) < settings.models:
        raise NotSetUp(str(TooFewModels(settings.models, len(there))))
    return ChatSession.objects.create(
        project=seat.project,
        task_id=seat.task_id,
        annotator=user,
        model_ids=draw_models(seat.project, there, settings.models),
    )


def too_few_models(project: Project) -> TooFewModels | None:
    """Why no conversation can begin, if so. One query where there is live chat, else none."""
    try:
        settings = chat_settings(Form.of_project(project))
    except Http404:
        return None
    return shortage(project.pk, settings)


def shortage(project_id: int, settings: ChatSettings) -> TooFewModels | None:
    """Whether the project has fewer models than a conversation takes. One query."""
    there = available(project_id).count()
    return TooFewModels(settings.models, there) if there < settings.models else None


def available(project_id: int) -> QuerySet[ChatModel]:
    """The models that conversations may be held with."""
    return ChatModel.objects.filter(project=project_id, retired_at=None)


def _judge(
    session: ChatSession, turn: ChatTurn, verdict: object, settings: ChatSettings
) -> tuple[dict, str]:
    """The verdict on the turn as it is stored, and the letter that the next one follows."""
    settle_abandoned(session)
    if turn.replies.filter(state="streaming").exists():
        raise InvalidValue("message", "comes too early; wait for the replies, or stop them")
    models = sorted(turn.replies.standing().values_list("letter", flat=True))
    cleaned = chat.clean_turn("verdict", verdict, models, settings)
    if settings.turn == "none" or not models:
        return cleaned, ""
    return cleaned, random.SystemRandom().choice(chat.leaders(cleaned, models))


@transaction.atomic
def begin_reply(
    *, seat_id: int, user: User, number: int, letter: str
) -> tuple[ChatReply, list[dict[str, str]]]:
    """A new attempt of that model at the last turn, and the messages to send it.

    Raises SeatGone (there is a reply, or the conversation went on), TooManyReplies, Http404.
    """
    seat = _seat_in_use(seat_id, user)
    session = ChatSession.objects.filter(task=seat.task_id, annotator=user).first()
    if session is None or letter not in chat.LETTERS[: len(session.model_ids)]:
        raise Http404("There is no such model in this conversation.")
    settle_abandoned(session)
    turns = list(session.turns.order_by("number").prefetch_related("replies"))
    if number != len(turns) - 1:
        raise SeatGone(_("The conversation has gone on; reload the page."))
    attempts = [reply for reply in turns[-1].replies.all() if reply.letter == letter]
    if any(reply.stands or reply.state == "streaming" for reply in attempts):
        raise SeatGone(_("There is a reply of this model already; reload the page."))
    mine = ChatReply.objects.filter(turn__session__annotator=user)
    if len(attempts) >= MAX_ATTEMPTS or mine.running().count() >= MAX_RUNNING:
        raise TooManyReplies(
            _(
                "At most %(running)s replies at once and %(attempts)s attempts at each. "
                "Wait for those that run, or stop them."
            )
            % {"running": MAX_RUNNING, "attempts": MAX_ATTEMPTS}
        )
    now = timezone.now()
    reply = ChatReply.objects.create(
        turn=turns[-1],
        letter=letter,
        attempt=len(attempts) + 1,
        model_id=session.model_ids[chat.LETTERS.index(letter)],
        started_at=now,
        heartbeat_at=now,
    )
    prompt = seat.task.prompt
    opening, _topic = split_prompt(prompt.conversation)
    exchanges = [Exchange(turn.message, _standing(turn), turn.follows) for turn in turns]
    return reply, messages_for(letter, exchanges, system=prompt.system, opening=opening)


def _standing(turn: ChatTurn) -> Mapping[str, str]:
    return {reply.letter: reply.text for reply in turn.replies.all() if reply.stands}


@transaction.atomic
def stop_reply(*, seat_id: int, user: User, number: int, letter: str) -> None:
    """Ask whoever reads the reply to stop; what came stays. One that has ended stays as it is.

    Raises SeatGone, Http404.
    """
    seat = held_seat(seat_id=seat_id, user=user)
    running = ChatReply.objects.filter(
        turn__session__task=seat.task_id,
        turn__session__annotator=user,
        turn__number=number,
        letter=letter,
        state=ChatReply.State.STREAMING,
    )
    running.update(stop_asked=True)
