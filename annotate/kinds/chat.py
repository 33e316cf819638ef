"""A live conversation with one to six models, judged turn by turn and then as a whole.

The task's context says which conversation was held, and who replied at each turn (a model that
failed or was stopped before its first word did not)::

    context: {"session": {"id": 7, "replies": [["A", "B"], ["A"]], "running": [1]}}

`running` (may be left out) are the turns at which a reply is still being written: such a
conversation cannot be judged yet.

Models are the letters A to F, given to them for the length of one session; they mean the same
at every turn and wherever a reply was shown. Value, version 1, turns counted from 0::

    {"session": 7, "points": 100,
     "turns": {"0": {"preference": {"verdict": "prefer", "preferred": "A"}},
               "1": {"ratings": {"A": 40}}},
     "final": {"preference": {"verdict": "tie" | "all_good" | "all_bad"},
               "ratings": {"overall": {"A": 80, "B": 35}}}}

A turn has a preference where two models or more replied, and ratings of all that replied; the
settings tell which of them are asked for. The final verdict speaks of all models that replied at
all, and rates them by the criteria of the settings. `points`, the greatest rating, is added by
`clean_value`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.inputs import BIGINT_MAX, Checks, clean_choice, clean_integer
from annotate.kinds import answers
from annotate.kinds.answers import SETTINGS, AnswerSettings
from annotate.kinds.contract import Pair, Shown
from annotate.kinds.errors import InvalidValue
from annotate.kinds.sayings import Saying

NAME = "chat"
SCHEMA_VERSION = 1
RESPONSES = (0, 0)
NEEDS_CONTENT = True
LETTERS = ("A", "B", "C", "D", "E", "F")
ASKED = ("none", "preference", "rating", "both")
VERDICTS = ("prefer", "tie", "all_good", "all_bad")
MAX_TURNS = 200
MAX_CRITERIA = 20


@dataclass(frozen=True)
class ChatSettings(AnswerSettings):
    """How many models talk, and what is asked at every turn and at the end.

    `arena`: people get conversations without end, and the models' names after their vote
    (annotate/services/reports/arena.py).

    Ratings are whole numbers from 1 to `points`. PRISM (Kirk et al., 2024, arXiv 2404.16019) has
    four models, then one, and 100 points.
    """

    models: int = 2
    turn: str = "preference"
    final: str = "both"
    final_criteria: tuple[str, ...] = ("overall",)
    points: int = 5
    min_turns: int = 1
    max_turns: int = 20
    arena: bool = False


@dataclass(frozen=True)
class Session:
    """The conversation that an answer is about: its id, who replied at each turn, where it runs."""

    id: int
    replies: tuple[tuple[str, ...], ...]
    running: tuple[int, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """All that replied at all, by letter."""
        return tuple(sorted({letter for turn in self.replies for letter in turn}))


def clean_settings(raw: Mapping[str, Any]) -> ChatSettings:
    """The project's settings with defaults filled in. Raises InvalidValue."""
    given = answers.clean_fields(raw, ChatSettings, choices={"turn": ASKED, "final": ASKED})
    if "final_criteria" in given:
        field = f"{SETTINGS}.final_criteria"
        names = answers.clean_list(field, given["final_criteria"], low=1, high=MAX_CRITERIA)
        names = [answers.clean_name(f"{field}.{i}", name) for i, name in enumerate(names)]
        given["final_criteria"] = tuple(
            answers.clean_unique(field, names, low=1, high=MAX_CRITERIA, of=names)
        )
    settings = ChatSettings(**given)
    clean_integer(f"{SETTINGS}.models", settings.models, low=1, high=len(LETTERS))
    clean_integer(f"{SETTINGS}.points", settings.points, low=2, high=100)
    clean_integer(f"{SETTINGS}.max_turns", settings.max_turns, low=1, high=MAX_TURNS)
    clean_integer(f"{SETTINGS}.min_turns", settings.min_turns, low=1, high=settings.max_turns)
    if settings.turn == settings.final == "none":
        raise InvalidValue(f"{SETTINGS}.final", "must not be none as well as turn; ask something")
    if settings.arena and settings.models == 1:
        raise InvalidValue(f"{SETTINGS}.models", "must be 2 or more: an arena compares models")
    if settings.models == 1:
        for name in ("turn", "final"):
            if getattr(settings, name) == "preference":
                raise InvalidValue(
                    f"{SETTINGS}.{name}",
                    "must be none or rating: with one model there is nothing to prefer",
                )
    return settings


def session_of(shown: Shown) -> Session:
    """The conversation as the task's context has it. Raises InvalidValue.

    It may have other models and more turns than the settings ask for: they may have changed
    since it began, and what was said stays.
    """
    field = "context.session"
    raw = (shown.context or {}).get("session")
    if raw is None:
        raise InvalidValue(field, "is missing: there is no conversation yet; send a message first")
    given = answers.clean_object(field, raw, ("id", "replies", "running"))
    session_id = clean_integer(f"{field}.id", given.get("id"), low=1, high=BIGINT_MAX)
    path = f"{field}.replies"
    turns = answers.clean_list(path, given.get("replies"), low=0, high=MAX_TURNS)
    replies = tuple(
        tuple(
            sorted(answers.clean_unique(f"{path}.{i}", turn, low=0, high=len(LETTERS), of=LETTERS))
        )
        for i, turn in enumerate(turns)
    )
    last = max(len(turns) - 1, 0)
    running = tuple(
        clean_integer(f"{field}.running.{i}", turn, low=0, high=last)
        for i, turn in enumerate(
            answers.clean_list(f"{field}.running", given.get("running", []), low=0, high=len(turns))
        )
    )
    return Session(session_id, replies, running)


def clean_value(
    raw: object, *, shown: Shown, settings: ChatSettings, rationale: str = ""
) -> dict[str, Any]:
    """The answer in its stored form, or InvalidValue. An empty answer is no answer."""
    check = Checks()
    answer = answers.begin(
        raw,
        ("session", "points", "turns", "final"),
        settings=settings,
        rationale=rationale,
        check=check,
    )
    session = session_of(shown)
    given = answer.get("session")
    if type(given) is not int or given != session.id:
        raise InvalidValue(
            "value.session", "must be {session}, the one held for this task", session=session.id
        )
    if session.running:
        turn = min(session.running)
        raise InvalidValue(
            f"value.turns.{turn}",
            "comes too early: turn {turn} still has a reply coming; wait, or stop it",
            turn=turn + 1,
        )
    if sum(map(bool, session.replies)) < settings.min_turns:
        raise InvalidValue(
            "value.turns",
            "judges too short a conversation; hold at least {min_turns} turns",
            min_turns=settings.min_turns,
        )
    points = settings.points
    if "points" in answer and (type(answer["points"]) is not int or answer["points"] != points):
        raise InvalidValue(
            "value.points", "is {points} in this project; leave it out", points=points
        )
    cleaned: dict[str, Any] = {"session": session.id, "points": points}
    turns = check.of(_turns, answer.get("turns"), session, settings)
    if turns:
        cleaned["turns"] = turns
    final = check.of(_final, answer.get("final"), session, settings)
    if final:
        cleaned["final"] = final
    confidence = check.of(answers.confidence, answer, settings) or {}
    check.end()
    if not turns and not final:
        raise InvalidValue(
            "value.final", "finds one reply a turn, nothing to prefer; skip the task"
        )
    return cleaned | confidence


def _turns(raw: object, session: Session, settings: ChatSettings) -> dict[str, Any]:
    """The verdict on every turn at which a model replied."""
    replied = {str(turn): models for turn, models in enumerate(session.replies) if models}
    known = replied if settings.turn != "none" else ()
    given = answers.clean_object("value.turns", {} if raw is None else raw, known)
    check, cleaned = Checks(), {}
    for turn in known:
        field, models = f"value.turns.{turn}", replied[turn]
        asked = _asked(settings.turn, models)
        if not asked:
            if turn in given:
                check.refuse(InvalidValue(field, "has one reply, nothing to prefer; leave it out"))
        elif turn not in given:
            check.refuse(InvalidValue(field, "is missing; judge every turn"))
        else:
            cleaned[turn] = check.of(clean_turn, field, given[turn], models, settings)
    check.end()
    return cleaned


def clean_turn(
    field: str, raw: object, models: Sequence[str], settings: ChatSettings
) -> dict[str, Any]:
    """The verdict on one turn at which these models replied; {} where nothing is asked of them."""
    asked = _asked(settings.turn, models) if models else ()
    given = answers.clean_object(field, {} if raw is None else raw, asked)
    check = Checks()
    cleaned = check.of(_preference, field, given, asked, models) or {}
    if "ratings" in asked:
        path = f"{field}.ratings"
        cleaned["ratings"] = check.of(_ratings, path, given.get("ratings"), models, settings)
    check.end()
    return cleaned


def leaders(verdict: Mapping[str, Any], models: Sequence[str]) -> list[str]:
    """Whose reply the conversation may go on from, by a cleaned verdict on the turn.

    The preferred one; else the highest rated, else all; several where they tie.
    """
    preferred = verdict.get("preference", {}).get("preferred")
    if preferred is not None:
        return [preferred]
    ratings = verdict.get("ratings")
    if not ratings:
        return list(models)
    return [model for model in models if ratings[model] == max(ratings.values())]


def _final(raw: object, session: Session, settings: ChatSettings) -> dict[str, Any]:
    """The verdict on the whole conversation."""
    field, models = "value.final", session.models
    asked = _asked(settings.final, models)
    given = answers.clean_object(field, {} if raw is None else raw, asked)
    check = Checks()
    cleaned = check.of(_preference, field, given, asked, models) or {}
    if "ratings" in asked:
        path, criteria = f"{field}.ratings", settings.final_criteria
        rated = check.of(answers.clean_object, path, given.get("ratings"), criteria)
        if rated is not None:
            cleaned["ratings"] = {
                name: check.of(_ratings, f"{path}.{name}", rated.get(name), models, settings)
                for name in criteria
            }
    check.end()
    return cleaned


def _asked(setting: str, models: Sequence[str]) -> tuple[str, ...]:
    """What is asked of so many models."""
    preference = ("preference",) if setting in ("preference", "both") and len(models) > 1 else ()
    return (*preference, *(("ratings",) if setting in ("rating", "both") else ()))


def _preference(
    field: str, given: Mapping[str, Any], asked: Sequence[str], models: Sequence[str]
) -> dict[str, Any]:
    if "preference" not in asked:
        return {}
    path = f"{field}.preference"
    preference = answers.clean_object(path, given.get("preference"), ("verdict", "preferred"))
    verdict = clean_choice(f"{path}.verdict", preference.get("verdict"), VERDICTS)
    if verdict == "prefer":
        best = clean_choice(f"{path}.preferred", preference.get("preferred"), models)
        return {"preference": {"verdict": verdict, "preferred": best}}
    if preference.get("preferred") is not None:
        raise InvalidValue(
            f"{path}.preferred", "leave it out with verdict {verdict}", verdict=verdict
        )
    return {"preference": {"verdict": verdict}}


def _ratings(
    path: str, raw: object, models: Sequence[str], settings: ChatSettings
) -> dict[str, int]:
    given = answers.clean_object(path, raw, models)
    check, cleaned = Checks(), {}
    for model in models:
        field = f"{path}.{model}"
        rating = check.of(clean_integer, field, given.get(model), low=1, high=settings.points)
        if rating is not None:
            cleaned[model] = rating
    check.end()
    return cleaned


def pairs(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Pair]:
    """None: a conversation's replies are no responses of the task. Its session tells them."""
    return []


def said(value: Mapping[str, Any], response_ids: Sequence[int]) -> list[Saying]:
    """Nothing: every conversation is another one."""
    return []


def distance(a: Mapping[str, Any], b: Mapping[str, Any], response_ids: Sequence[int]) -> float:
    """For answers about one session: the mean over every preference and rating that both give.

    Preferences of two models are at 1, of one model and of none half-way; the kinds of tie count
    as one. Ratings are apart by the share of the scale. Two sessions cannot be compared: 1.
    """
    if a["session"] != b["session"]:
        return 1.0
    ours, theirs = _said(a), _said(b)
    gaps = [_gap(ours[place], theirs[place]) for place in sorted(ours.keys() & theirs.keys())]
    return answers.mean(gaps) if gaps else 1.0


def _said(value: Mapping[str, Any]) -> dict[tuple[str, ...], str | float]:
    """Every preference (a letter, or "" for none) and rating (0..1) by where it stands."""
    found: dict[tuple[str, ...], str | float] = {}
    for turn, verdict in value.get("turns", {}).items():
        found |= _preferred(verdict, turn)
        for model, rating in verdict.get("ratings", {}).items():
            found[turn, "rating", model] = (rating - 1) / (value["points"] - 1)
    final = value.get("final", {})
    found |= _preferred(final, "final")
    for name, ratings in final.get("ratings", {}).items():
        for model, rating in ratings.items():
            found["final", name, model] = (rating - 1) / (value["points"] - 1)
    return found


def _preferred(verdict: Mapping[str, Any], place: str) -> dict[tuple[str, ...], str | float]:
    preference = verdict.get("preference")
    return {(place,): preference.get("preferred", "")} if preference else {}


def _gap(a: str | float, b: str | float) -> float:
    if isinstance(a, str) or isinstance(b, str):
        return 0.0 if a == b else 1.0 if a and b else 0.5
    return abs(a - b)
