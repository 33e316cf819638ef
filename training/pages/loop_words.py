"""What a loop does, waits for and was stopped by, in the words of a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.charts import number
from annotate.pages.reasons import in_words
from annotate.wording import Told
from training.loop import guards
from training.models import Loop, LoopRound
from training.pages.failures import refusal_words
from training.pages.figures import percent
from training.services.loop_figures import labels_since

Phase = LoopRound.Phase


@dataclass(frozen=True)
class GuardRow:
    """A line of the guards' table. `state` is held, stopped, unknown or overruled."""

    label: str
    rule: str
    found: str
    state: str
    overruled: str = ""


def guard_rows(loop: Loop, row: LoopRound | None) -> list[GuardRow]:
    """Every guard with its bound and what it found in this round, if it was asked."""
    found = row.guards if row else {}
    return [
        GuardRow(
            label=guard_label(name),
            rule=_rule(name, loop.guards),
            found=finding_words(found[name]) if name in found else "",
            state=_state(found.get(name)),
            overruled=(found.get(name) or {}).get("overruled", {}).get("reason", ""),
        )
        for name in guards.GUARDS
    ]


def guard_label(name: str) -> str:
    return {
        guards.PEOPLE: _("Labels of people"),
        guards.PEOPLE_SHARE: _("Share of people’s labels"),
        guards.DIVERSITY: _("Diversity of new responses"),
        guards.GAP: _("Reward model against people"),
        guards.FAILED: _("Runs"),
    }[name]


def _rule(name: str, bounds: Mapping[str, Any]) -> str:
    if name == guards.PEOPLE:
        return _("at least %(least)s new ones in each snapshot") % {
            "least": number(bounds["people"])
        }
    if name == guards.PEOPLE_SHARE:
        return _("at least %(least)s of the new labels") % {
            "least": percent(bounds["people_share"])
        }
    if name == guards.DIVERSITY:
        return _("at most %(most)s below the first round") % {
            "most": percent(bounds["diversity_drop"])
        }
    if name == guards.GAP:
        return _("at most %(most)s points above people, on %(least)s pairs or more") % {
            "most": number(100 * bounds["gap"]),
            "least": number(bounds["gap_rows"]),
        }
    return _("each of them must end well")


def _state(found: Mapping[str, Any] | None) -> str:
    if found is None or found["passed"] is None:
        return "unknown"
    if "overruled" in found:
        return "overruled"
    return "held" if found["passed"] else "stopped"


def finding_words(found: Mapping[str, Any]) -> str:
    """What a guard found, with its figure."""
    name, figure, detail = found["name"], found["figure"], found["detail"]
    if name == guards.FAILED:
        return _("the phase “%(phase)s” ended badly: %(message)s") % {
            "phase": Phase(detail["phase"]).label,
            "message": _why_failed(detail),
        }
    if name == guards.PEOPLE:
        return ngettext(
            "one of %(rows)s new labels is a person’s",
            "%(people)s of %(rows)s new labels are people’s",
            figure,
        ) % {"people": number(figure), "rows": number(found["rows"])}
    if figure is None:
        return _too_little(found)
    if name == guards.PEOPLE_SHARE:
        return _("%(share)s of the new labels are people’s") % {"share": percent(figure)}
    if name == guards.DIVERSITY:
        return _("%(now)s distinct bigrams, against %(first)s in the first round") % {
            "now": percent(detail["now"]),
            "first": percent(detail["first"]),
        }
    return _(
        "the reward model expects new responses to win %(proxy)s of %(rows)s pairs, people prefer "
        "them in %(gold)s of these: %(points)s points apart (95 %%: %(low)s to %(high)s)"
    ) % {
        "proxy": percent(detail["proxy"]),
        "gold": percent(detail["gold"]),
        "rows": number(found["rows"]),
        **{
            name: number(round(100 * value, 1))
            for name, value in (
                ("points", figure),
                ("low", detail["low"]),
                ("high", detail["high"]),
            )
        },
    }


def _why_failed(detail: Mapping[str, Any]) -> str:
    """What ended the phase; of one kept before there were words for it, English."""
    if "refused" in detail:
        return refusal_words(detail["refused"])
    return in_words(Told.from_dict(detail["told"])) if "told" in detail else detail["message"]


def _too_little(found: Mapping[str, Any]) -> str:
    if found["name"] == guards.GAP:
        return _("%(rows)s pairs judged by both so far: too few to tell") % {
            "rows": number(found["rows"])
        }
    if found["name"] == guards.DIVERSITY:
        return _("nothing to compare with yet")
    return _("no new label")


@dataclass(frozen=True)
class Next:
    """What happens next and why. `labels`: how many people have given, of how many wanted."""

    words: str
    labels: tuple[int, int] | None = None
    may_go_on: bool = False


def next_step(loop: Loop, row: LoopRound | None) -> Next:
    """Of the open round, or of none. One query at most."""
    if loop.state == Loop.State.DONE:
        return Next(_("All rounds are over; the models of the last one stay in service."))
    if loop.state == Loop.State.CANCELLED:
        return Next(_("Cancelled. Models, tasks and labels stay as they are."))
    if loop.state == Loop.State.STOPPED:
        found = loop.stopped_by
        words = {"guard": guard_label(found["name"]), "found": finding_words(found)}
        return Next(_("A guard stopped it. %(guard)s: %(found)s.") % words)
    if loop.state == Loop.State.PAUSED:
        if row and row.job and not row.job.is_over:
            return Next(_("Paused: what is under way goes on to its end, nothing new starts."))
        return Next(_("Paused: nothing new starts."))
    if row is None or row.phase == Phase.JUDGING:
        return _waiting(loop, row)
    return Next(_at_work(loop, row))


def _waiting(loop: Loop, row: LoopRound | None) -> Next:
    if loop.go_on:
        return Next(_("It goes on within seconds: somebody asked for it."))
    begins = row is None
    if loop.labels_wanted is None:
        words = (
            _("The next round begins when you start it.")
            if begins
            else _("People judge. The round ends when you say that it is enough.")
        )
        return Next(words, may_go_on=True)
    given = labels_since(loop.project, _frozen(loop, row))[0]
    words = (
        _("The next round begins when people have given enough new labels, or when you start it.")
        if begins
        else _("People judge. The round ends when they have given enough, or when you say so.")
    )
    return Next(words, (given, loop.labels_wanted), may_go_on=True)


def _frozen(loop: Loop, row: LoopRound | None) -> int:
    last = row or loop.rounds.order_by("-number").first()
    if last is None:
        return 0
    return last.after_judgement if last.until_judgement is None else last.until_judgement


def _at_work(loop: Loop, row: LoopRound) -> str:
    if loop.waits_for == "budget":
        return _("Held: the device hours of the project are used up.")
    if loop.waits_for == "quiet_hours":
        return _("Held: quiet hours.")
    return {
        Phase.SNAPSHOT: _("What was judged so far is frozen; then the reward model learns."),
        Phase.REWARD_MODEL: _(
            "The reward model learns. Then it goes into service if the gate lets it pass."
        ),
        Phase.POLICY: _("The policy learns. Then it goes into service if the gate lets it pass."),
        Phase.SAMPLING: _("New responses are drawn. Then it is chosen which are compared."),
        Phase.MATCHMAKING: _(
            "The reward model reads the new responses, and pairs are chosen. Then tasks are made."
        ),
        Phase.TASKS: _("The pairs become tasks. Then people judge them."),
    }[Phase(row.phase)]
