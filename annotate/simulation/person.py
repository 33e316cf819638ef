"""One simulated person at work: lease, read, answer, until nothing is left."""

import time
from collections.abc import Callable

from annotate.demo.preference import SimulatedAnnotator
from annotate.kinds import pairwise
from annotate.media.as_text import text_turns
from annotate.simulation.session import Refused, Session

GONE = 409


def work(
    *,
    session: Session,
    project_id: int,
    annotator: SimulatedAnnotator,
    speed: float,
    may_go_on: Callable[[], bool],
) -> int:
    """Answer tasks of the project until none is left or `may_go_on` says no; returns how many.

    `speed`: 1 reads as slowly as the annotator does, 10 ten times as fast, 0 does not wait. What
    is reported as time spent is the annotator's own, whatever the speed. Raises Refused.
    """
    rng = annotator.generator()
    done = 0
    while may_go_on():
        answer = session.get(f"/api/v1/projects/{project_id}/next/")
        if answer.status_code == 204:
            break
        if answer.status_code != 200:
            raise Refused(f"next answered {answer.status_code}: {answer.text[:300]}")
        done += _answer(session, answer.json(), annotator, rng, speed)
    return done


def _answer(session: Session, lease: dict, annotator: SimulatedAnnotator, rng, speed: float) -> int:
    """1 if the answer was taken, 0 if the seat had gone to somebody else meanwhile."""
    asked = "\n\n".join(turn["content"] for turn in text_turns(lease["prompt"]["conversation"]))
    said = annotator.judge(asked, [_text(shown) for shown in lease["responses"]], rng)
    if speed > 0:
        time.sleep(said.seconds / speed)
    body = {
        "value": _value(said, lease),
        "seconds_active": round(said.seconds, 2),
        "idempotency_key": f"simulated-{lease['seat']}",
    }
    answer = session.post(f"/api/v1/seats/{lease['seat']}/judgement/", body)
    if answer.status_code == GONE:
        return 0
    if answer.status_code not in (200, 201):
        raise Refused(f"the answer was refused ({answer.status_code}): {answer.text[:300]}")
    return 1


def _text(response: dict) -> str:
    return "\n\n".join(part["text"] for part in response["content"] if part["type"] == "text")


def _value(said, lease: dict) -> dict:
    """The answer in the form's own words: what the form does not offer becomes a tie."""
    settings = pairwise.clean_settings(lease["form"]["settings"])
    if said.verdict == "prefer":
        return {
            "verdict": "prefer",
            "preferred": lease["responses"][said.index]["id"],
            "strength": min(said.strength, settings.strength_levels),
        }
    if said.verdict != "tie" and getattr(settings, f"allow_{said.verdict}"):
        return {"verdict": said.verdict}
    if settings.allow_tie:
        return {"verdict": "tie"}
    return {"verdict": "prefer", "preferred": lease["responses"][0]["id"], "strength": 1}
