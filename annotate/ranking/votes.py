"""What stored answers say about the order of responses. Pure; reads values of `annotate/kinds`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.kinds import chat, context, form, joint, pairwise, ranking, rating, scales

Groups = tuple[tuple[Any, ...], ...]

TURNS = "turns"
MAX_CRITERION = 100


@dataclass(frozen=True)
class Vote:
    """Responses in groups from best to worst: ids, or letters of a conversation's models.

    In the group numbered `unasked` nobody was asked for an order. `is_bad`: none was acceptable,
    which orders nothing. `is_whole`: it is what its author thinks all in all; `criterion` is what
    it was judged by, "" for nothing in particular. `turn` is that of a conversation.
    """

    groups: Groups
    unasked: int | None = None
    is_bad: bool = False
    is_whole: bool = True
    criterion: str = ""
    turn: int | None = None

    @property
    def members(self) -> tuple[Any, ...]:
        return tuple(member for group in self.groups for member in group)


def votes_of(
    kind: str, value: Mapping[str, Any], ids: Sequence[int], replied: Sequence[Sequence[str]] = ()
) -> list[Vote]:
    """All that an answer of this kind says; none where it compares nothing.

    `ids` are all responses of the task; `replied` tells of each turn of a conversation which models
    replied. What is `joint` compares answers to different prompts, so it says nothing of models.
    """
    if kind == form.NAME:
        return _of_form(value, replied)
    if kind == chat.NAME:
        return _of_chat(value, replied)
    if kind in (pairwise.NAME, context.NAME):
        under = str(value.get("under", ""))[:MAX_CRITERION]
        whole = _of_pair(value, ids, criterion=under)
        others = value.get("criteria", {}).items()
        return whole + [
            one for name, said in others for one in _of_pair(said, ids, criterion=name, whole=False)
        ]
    if kind == ranking.NAME:
        return _of_ranking(value, ids)
    return _of_rating(value, ids) if kind == rating.NAME else []


def compares(kind: str) -> bool:
    """Whether answers of this kind may hold votes."""
    named = (form, chat, pairwise, context, ranking, rating)
    return kind != joint.NAME and kind in {one.NAME for one in named}


def _of_pair(
    value: Mapping[str, Any], ids: Sequence[int], *, criterion: str = "", whole: bool = True
) -> list[Vote]:
    if len(ids) != 2:
        return []
    said: dict[str, Any] = {"criterion": criterion, "is_whole": whole}
    if value["verdict"] != "prefer":
        return [Vote((tuple(ids),), is_bad=value["verdict"] == "both_bad", **said)]
    pair = pairwise.to_pair(value, ids)
    return [Vote(((pair.chosen,), (pair.rejected,)), **said)]


def _of_ranking(value: Mapping[str, Any], ids: Sequence[int]) -> list[Vote]:
    verdict = value["verdict"]
    if verdict == "full":
        return _ordered([tuple(tier) for tier in value["tiers"]])
    if verdict == "best_worst":
        ends = (value["best"], value["worst"])
        between = tuple(pk for pk in ids if pk not in ends)
        if not between:
            return [Vote(((ends[0],), (ends[1],)))]
        return [Vote(((ends[0],), between, (ends[1],)), unasked=1)]
    if verdict == "best":
        return _best(value["best"], ids)
    return [Vote((tuple(ids),), is_bad=verdict == "all_bad")] if len(ids) > 1 else []


def _of_rating(value: Mapping[str, Any], ids: Sequence[int]) -> list[Vote]:
    """An order by each criterion; that by the overall one is what its author thinks all in all."""
    found = []
    for name, scale in value["scales"].items():
        points: dict[int, float] = {}
        for pk in ids:
            given = value["ratings"].get(str(pk), {}).get(name)
            if given not in (None, "unsure"):
                points[pk] = scales.position(given, scale)
        found += _by_points(points, is_whole=name == value["overall"], criterion=name)
    return found


def _of_form(value: Mapping[str, Any], replied: Sequence[Sequence[str]]) -> list[Vote]:
    """Those of every question; the first that compares is what its author thinks all in all."""
    found: list[Vote] = []
    for asked in value["asked"]:
        name, has_whole = asked["name"], any(one.is_whole for one in found)
        answer = value["answers"][name]
        for one in votes_of(asked["kind"], answer, asked["responses"], replied):
            criterion = f"{name}: {one.criterion}" if one.criterion else name
            is_whole = one.is_whole and not has_whole
            found.append(
                Vote(one.groups, one.unasked, one.is_bad, is_whole, criterion[:MAX_CRITERION])
            )
    return found


def _of_chat(value: Mapping[str, Any], replied: Sequence[Sequence[str]]) -> list[Vote]:
    """The verdict on the conversation; where it was not asked for, those on its turns."""
    models = sorted({letter for turn in replied for letter in turn})
    final = value.get("final", {})
    whole = _of_preference(final.get("preference"), models)
    for number, (name, points) in enumerate(final.get("ratings", {}).items()):
        whole += _by_points(points, is_whole=not whole and number == 0, criterion=name)
    turns: list[Vote] = []
    for turn, verdict in value.get("turns", {}).items():
        letters = replied[int(turn)] if int(turn) < len(replied) else ()
        said = _of_preference(verdict.get("preference"), letters)
        said = said or _by_points(verdict.get("ratings", {}))
        turns += [
            Vote(one.groups, one.unasked, one.is_bad, not whole, TURNS, int(turn)) for one in said
        ]
    return whole + turns


def _of_preference(said: Mapping[str, Any] | None, models: Sequence[str]) -> list[Vote]:
    if not said or len(models) < 2:
        return []
    if said["verdict"] == "prefer":
        return _best(said["preferred"], models)
    return [Vote((tuple(models),), is_bad=said["verdict"] == "all_bad")]


def _best(best: Any, members: Sequence[Any]) -> list[Vote]:
    others = tuple(one for one in members if one != best)
    if not others:
        return []
    return [Vote(((best,), others), unasked=1 if len(others) > 1 else None)]


def _by_points(points: Mapping[Any, float], **said: Any) -> list[Vote]:
    tiers: dict[float, list[Any]] = {}
    for member, given in points.items():
        tiers.setdefault(given, []).append(member)
    return _ordered([tuple(tiers[given]) for given in sorted(tiers, reverse=True)], **said)


def _ordered(groups: Sequence[tuple[Any, ...]], **said: Any) -> list[Vote]:
    return [Vote(tuple(groups), **said)] if sum(map(len, groups)) > 1 else []
