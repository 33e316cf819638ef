"""Why a run was asked for: a schedule's triggers with their figures, kept and told."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotate.wording import Grouped, Told, brief
from training.models import TrainingRun

Trigger = TrainingRun.Trigger


@dataclass(frozen=True)
class Reason:
    """One trigger: whether it is due, when it will be if that is known, else how far it is."""

    trigger: str
    due: bool
    at: datetime | None = None
    has: float | None = None
    wants: float | None = None
    detail: str = ""


def as_kept(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    """For a run's row; times as ISO 8601."""
    return [{**vars(one), "at": one.at.isoformat() if one.at else None} for one in reasons]


def trigger_words(run: TrainingRun) -> Told:
    """What asked for the run: each trigger that was due, with the figures of that moment."""
    if run.trigger in _PLAIN:
        return _PLAIN[run.trigger]
    found, *others = [_reason_words(reason) for reason in run.reasons]
    for other in others:
        found = Told("{first}; {other}", first=found, other=other)
    return found


_PLAIN = {
    Trigger.PERSON: Told("a person"),
    Trigger.LOOP: Told("a loop"),
    Trigger.API: Told("the API"),
    Trigger.NOT_RECORDED: Told("not recorded"),
}


def _reason_words(reason: dict[str, Any]) -> Told:
    trigger, has, wants = reason["trigger"], reason.get("has"), reason.get("wants")
    detail = reason.get("detail", "")
    if trigger == Trigger.HOURS:
        return Told("schedule: every {hours} h", hours=_plain(wants))
    if trigger == Trigger.CRON:
        return Told("schedule: {cron}", cron=detail)
    if trigger == Trigger.JUDGEMENTS:
        counts = {"has": Grouped(has), "wants": Grouped(wants)}
        return Told("schedule: {has} of {wants} new judgements", **counts)
    if trigger == Trigger.DRIFT:
        return Told(
            "schedule: drift {has} above {wants}, most in {feature}",
            has=_plain(has),
            wants=_plain(wants),
            feature=detail,
        )
    return Told(
        "schedule: people agreed with the judge at a rate of {has} ({counts}), it expected {wants}",
        has=_plain(has),
        counts=detail,
        wants=_plain(wants),
    )


def _plain(value: float | None) -> float | str:
    return "–" if value is None else brief(round(value, 2))
