"""One simulated person at work: lease, read, answer, until nothing is left."""

import time
from collections.abc import Callable

from annotate.demo.preference import SimulatedAnnotator
from annotate.media.as_text import text_turns
from annotate.simulation.answering import Read, answer
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
    is reported as time spent is the annotator's own, whatever the speed. Raises Refused,
    Unanswerable.
    """
    rng = annotator.generator()
    done = 0
    while may_go_on():
        following = session.get(f"/api/v1/projects/{project_id}/next/")
        if following.status_code == 204:
            break
        if following.status_code != 200:
            raise Refused(f"next answered {following.status_code}: {following.text[:300]}")
        done += _answer(session, following.json(), annotator, rng, speed)
    return done


def _answer(session: Session, lease: dict, annotator: SimulatedAnnotator, rng, speed: float) -> int:
    """1 if the answer was taken, 0 if the seat had gone to somebody else meanwhile."""
    read = Read(
        asked="\n\n".join(turn["content"] for turn in text_turns(lease["prompt"]["conversation"])),
        texts=[_text(shown) for shown in lease["responses"]],
        ids=[shown["id"] for shown in lease["responses"]],
        words=lease["context"].get("words", ()),
    )
    form = lease["form"]
    said = answer(form["kind"], form["settings"], read, annotator, rng)
    if speed > 0:
        time.sleep(said.seconds / speed)
    body = {
        "value": said.value,
        "rationale": said.rationale,
        "seconds_active": round(said.seconds, 2),
        "idempotency_key": f"simulated-{lease['seat']}",
    }
    taken = session.post(f"/api/v1/seats/{lease['seat']}/judgement/", body)
    if taken.status_code == GONE:
        return 0
    if taken.status_code not in (200, 201):
        raise Refused(f"the answer was refused ({taken.status_code}): {taken.text[:300]}")
    return 1


def _text(response: dict) -> str:
    return "\n\n".join(part["text"] for part in response["content"] if part["type"] == "text")
