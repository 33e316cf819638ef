"""Many simulated people at once: their accounts, and a thread for each."""

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from annotate.demo.preference import SimulatedAnnotator, draw_annotators
from annotate.models import Membership, Project, User
from annotate.services import audit
from annotate.simulation.person import work
from annotate.simulation.session import Session


@transaction.atomic
def enrol(*, project: Project, count: int, seed: int) -> dict[str, str]:
    """Make or find the simulated people, make them annotators here, give each a new password.

    Returns {username: password}, in order. They are marked as simulated for ever.
    """
    names = [f"simulated-{seed}-{number + 1}" for number in range(count)]
    passwords = {name: secrets.token_urlsafe(16) for name in names}
    for name, password in passwords.items():
        user, _ = User.objects.get_or_create(username=name, defaults={"is_simulated": True})
        if not user.is_simulated:
            raise ValueError(f"{name} is a real person's account; choose another seed")
        user.password = make_password(password)
        user.save(update_fields=["password"])
        member, joined = Membership.objects.get_or_create(
            project=project, user=user, defaults={"role": Membership.Role.ANNOTATOR}
        )
        # Nobody is there to be asked.
        member.consent_id = project.consent_id
        member.profile_asked_at = timezone.now()
        member.save(update_fields=["consent", "profile_asked_at"])
        if joined:
            audit.record(
                action="member.simulated", target=member, actor=None, project=project, user=name
            )
    return passwords


class Quota:
    """A number of answers shared by many threads; None is no limit."""

    def __init__(self, answers: int | None) -> None:
        self._left = answers
        self._lock = threading.Lock()
        self.taken = 0

    def take(self) -> bool:
        """Whether one more may be given."""
        with self._lock:
            if self._left is not None and self.taken >= self._left:
                return False
            self.taken += 1
            return True


def let_work(
    *,
    project: Project,
    people: int,
    seed: int,
    url: str,
    speed: float = 0.0,
    answers: int | None = None,
    concurrency: int = 8,
    told: Callable[[str, int], None] = lambda name, done: None,
) -> int:
    """Let `people` work at the project over HTTP, `concurrency` at a time; returns the answers.

    `answers` limits all of them together. `told(name, done)` hears of each who has finished.
    The people's characters depend on `seed` alone; who answers what depends on the clock.
    Raises Refused when the server refuses one of them.
    """
    passwords = enrol(project=project, count=people, seed=seed)
    quota = Quota(answers)

    def one(name: str, annotator: SimulatedAnnotator) -> int:
        session = Session(url)
        try:
            session.log_in(name, passwords[name])
            done = work(
                session=session,
                project_id=project.pk,
                annotator=annotator,
                speed=speed,
                may_go_on=quota.take,
            )
        finally:
            session.close()
        told(name, done)
        return done

    with ThreadPoolExecutor(max_workers=max(1, min(concurrency, people))) as pool:
        return sum(pool.map(one, passwords, draw_annotators(people, seed)))
