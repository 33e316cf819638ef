"""A live conversation on the work page: turns with their replies, verdicts, the box to write in.

Fields, below the question's prefix (which itself carries the session's id)::

    .turns.<number>.verdict               "prefer:<letter>", "tie", "all_good" or "all_bad"
    .turns.<number>.ratings.<letter>      a whole number
    .final.verdict                        as for a turn
    .final.ratings.<criterion>.<letter>   a whole number
    .message                              what is written and not sent yet
    .confidence
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from annotate.kinds.chat import LETTERS, VERDICTS, ChatSettings
from annotate.models import ChatReply, ChatSession, ChatTurn, Judgement, Seat
from annotate.pages.kinds import confidence
from annotate.pages.kinds.default_words import said
from annotate.pages.kinds.fields import number, written
from annotate.rendering import render_markdown
from annotate.services.conversations.chat import shortage

if TYPE_CHECKING:
    from annotate.pages.shown import ShownTask

TITLE = _("Talk with the models and judge their replies")
TEMPLATE = confidence.TEMPLATE
SIDE_TEMPLATE = "annotate/kinds/chat.html#conversation"
RESPONSE_TEMPLATE = None
SCRIPT = "js/kinds/chat.js"
STYLES = ("css/kinds/chat.css",)
MARKS_TEXT = False

# More points than this are typed.
MOST_BUTTONS = 10
MAX_MESSAGE = 8_000

_WORDS = {
    "tie": (_("Equally good"), _("Tie")),
    "all_good": (_("All are good"), _("All good")),
    "all_bad": (_("All are bad"), _("All bad")),
}
# What the person is told; details are for managers.
FAILURES = {
    "busy": _("The server is holding too many conversations. Try again in a moment."),
    "rate_limited": _("The model has too much to do. Try again in a moment."),
    "refused": _("The model refused the request. Try again; if it stays so, tell a manager."),
    "server_error": _("The model's server failed. Try again."),
    "unreachable": _("The model cannot be reached. Try again; if it stays so, tell a manager."),
    "timed_out": _("The model did not go on in time. Try again."),
    "broken_off": _("The reply broke off. Try again."),
    "malformed": _("The reply could not be read. Try again."),
    "empty": _("The reply was empty. Try again."),
    "interrupted": _("This server was interrupted. Try again."),
}


@dataclass(frozen=True)
class Option:
    """One button of a verdict."""

    value: str
    name: str | Promise
    word: str | Promise
    letter: str = ""


@dataclass(frozen=True)
class Verdict:
    """What is asked about a turn, or about the whole; with what was given.

    `below` follows the prefix in the names of the fields. `rated` are the rows of ratings:
    (title, [(letter, name of the field, given)]).
    """

    below: str
    options: Sequence[Option]
    given: str
    rated: Sequence[tuple[str, Sequence[tuple[str, str, str]]]]


@dataclass(frozen=True)
class ShownReply:
    """A model's reply to a turn: its last attempt, or none yet (`waiting`)."""

    letter: str
    state: str
    text: str
    html: SafeString | str
    failure: str | Promise
    retry_after: int | None
    url: str
    stop_url: str
    can_retry: bool


@dataclass(frozen=True)
class ShownTurn:
    """A message with its replies and what is asked about them."""

    number: int
    message: SafeString
    replies: Sequence[ShownReply]
    verdict: Verdict | None


def context(settings: ChatSettings, task: "ShownTask", value: object) -> dict[str, Any]:
    """Three queries without a conversation, else four."""
    given = value if isinstance(value, Mapping) else {}
    session = _session_of(task)
    begins = session is None and task.seat_id and not task.revises
    where = (task.project_id, task.seat_id)
    turns = [] if session is None else list(session.turns.order_by("number"))
    judged = _mapping(given.get("turns"))
    replies: dict[int, list[ChatReply]] = {turn.pk: [] for turn in turns}
    for reply in ChatReply.objects.filter(turn__in=replies).order_by("attempt"):
        replies[reply.turn_id].append(reply)
    shown = [
        show_turn(
            turn,
            replies[turn.pk],
            letters=LETTERS[: len(session.model_ids)],
            settings=settings,
            given=_mapping(judged.get(str(turn.number))),
            where=where,
            is_last=turn is turns[-1] and not task.revises,
        )
        for turn in turns
    ]
    letters = LETTERS[: len(session.model_ids) if session else settings.models]
    return {
        **confidence.context(settings, value),
        "session": session.pk if session else "",
        "turns": shown,
        "final": _verdict(
            ".final",
            letters,
            settings.final,
            _mapping(given.get("final")),
            settings.final_criteria,
        ),
        "is_open": not task.revises,
        "shortage": shortage(task.project_id, settings) if begins else None,
        "send_url": reverse("send_message", args=where),
        "message": given.get("message", ""),
        "max_message": MAX_MESSAGE,
        "points": points_of(settings),
        "most": settings.points,
        "keys": _keys(settings),
    }


def _session_of(task: "ShownTask") -> ChatSession | None:
    if task.revises:
        held = Judgement.objects.filter(pk=task.revises)
    else:
        held = Seat.objects.filter(pk=task.seat_id)
    place = held.values_list("task_id", "annotator_id").first()
    if place is None:  # a preview has no seat
        return None
    return ChatSession.objects.filter(task=place[0], annotator=place[1]).first()


def points_of(settings: ChatSettings) -> Sequence[int]:
    """The buttons of a rating; none where it is typed."""
    return range(1, settings.points + 1) if settings.points <= MOST_BUTTONS else ()


def show_turn(
    turn: ChatTurn,
    replies: Sequence[ChatReply],
    *,
    letters: Sequence[str],
    settings: ChatSettings,
    given: Mapping,
    where: tuple[int, int],
    is_last: bool,
) -> ShownTurn:
    """The turn for its template; `replies` are all attempts, oldest first."""
    last = {reply.letter: reply for reply in replies}
    return ShownTurn(
        turn.number,
        render_markdown(turn.message),
        [
            show_reply(last.get(letter), letter, turn.number, where, is_last=is_last)
            for letter in letters
        ],
        _verdict(f".turns.{turn.number}", letters, settings.turn, given),
    )


def show_reply(
    reply: ChatReply | None, letter: str, turn: int, where: tuple[int, int], *, is_last: bool
) -> ShownReply:
    """The reply for its template. An abandoned one counts as interrupted already."""
    place = (*where, turn, letter)
    state, failure, text = "waiting", "", ""
    if reply is not None:
        state, failure, text = reply.state, reply.failure, reply.text
        if reply.is_abandoned:
            state, failure = "failed", "interrupted"
    stands = state in ("done", "stopped") and bool(text)
    return ShownReply(
        letter=letter,
        state=state,
        text=text,
        html=render_markdown(text) if stands else "",
        failure=FAILURES.get(failure, ""),
        retry_after=reply.retry_after if reply else None,
        url=reverse("chat_reply", args=place),
        stop_url=reverse("stop_reply", args=place),
        can_retry=is_last and (state == "failed" or (state == "stopped" and not text)),
    )


def _verdict(
    below: str,
    letters: Sequence[str],
    asked: str,
    given: Mapping,
    criteria: Sequence[str] = (),
) -> Verdict | None:
    if asked == "none":
        return None
    options: list[Option] = []
    if asked in ("preference", "both") and len(letters) > 1:
        options = [
            Option(f"prefer:{letter}", _best_name(letter, letters), letter, letter)
            for letter in letters
        ]
        options += [Option(verdict, *_WORDS[verdict]) for verdict in VERDICTS if verdict in _WORDS]
    rated = []
    if asked in ("rating", "both"):
        ratings = _mapping(given.get("ratings"))
        if criteria:
            rated = [
                (
                    said(name),
                    _fields(f"{below}.ratings.{name}", letters, _mapping(ratings.get(name))),
                )
                for name in criteria
            ]
        else:
            rated = [("", _fields(f"{below}.ratings", letters, ratings))]
    return Verdict(below, options, _format(given.get("preference")), rated)


def _best_name(letter: str, letters: Sequence[str]) -> str:
    text = _("%s is better") if len(letters) == 2 else _("%s is the best")
    return str(text) % letter


def _fields(below: str, letters: Sequence[str], given: Mapping) -> Sequence[tuple[str, str, str]]:
    return [(letter, f"{below}.{letter}", str(given.get(letter, ""))) for letter in letters]


def _format(preference: object) -> str:
    preference = _mapping(preference)
    verdict = str(preference.get("verdict", ""))
    return f"prefer:{preference.get('preferred')}" if verdict == "prefer" else verdict


def _keys(settings: ChatSettings) -> list[tuple[str, Any]]:
    keys: list[tuple[str, Any]] = [("m", _("Write a message (Enter sends it, ⇧ Enter: new line)"))]
    if settings.models > 1 and "none" != settings.turn != "rating":
        keys.append(("1 2 …", _("Judge the last turn")))
    keys += [("x", _("Stop all replies")), ("t", _("Try the failed ones again"))]
    return keys + confidence.keys(settings)


def read(post: MultiValueDict, prefix: str) -> dict[str, Any] | None:
    turns: dict[str, dict[str, Any]] = {}
    final: dict[str, Any] = {}
    for name in sorted(post):
        text = post.get(name) or ""
        place = name.removeprefix(f"{prefix}.") if name.startswith(f"{prefix}.") else ""
        top, _dot, rest = place.partition(".")
        if not text.strip():
            continue
        if top == "turns":
            turn, _dot, rest = rest.partition(".")
            _read_one(turns.setdefault(turn, {}), rest, text)
        elif top == "final":
            _read_one(final, rest, text)
    value: dict[str, Any] = confidence.read(post, prefix)
    if turns:
        value["turns"] = turns
    if final:
        value["final"] = final
    message = written(post, f"{prefix}.message")
    if message.strip():
        value["message"] = message
    if value and post.get(prefix):
        value["session"] = number(post.get(prefix))
    return value or None


def _read_one(verdict: dict[str, Any], rest: str, text: str) -> None:
    kind, _dot, rest = rest.partition(".")
    if kind == "verdict":
        said, _colon, letter = text.partition(":")
        verdict["preference"] = (
            {"verdict": said, "preferred": letter} if said == "prefer" else {"verdict": text}
        )
    elif kind == "ratings":
        criterion, _dot, letter = rest.rpartition(".")
        ratings = verdict.setdefault("ratings", {})
        if criterion:
            ratings = ratings.setdefault(criterion, {})
        if isinstance(ratings, dict):  # Else a rating stands there already.
            ratings[letter] = number(text)


def _mapping(value: object) -> Mapping:
    return value if isinstance(value, Mapping) else {}
