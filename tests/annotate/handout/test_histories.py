"""The hand-out over random histories, against rules that are computed anew from the rows."""

from datetime import timedelta

import pytest
from django.db.models import Count
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotate import handout
from annotate.handout import lease_seat, reopen_expired
from annotate.models import Judgement, Membership, Project, Seat, Skip, Task, User
from annotate.services import projects
from annotate.services.work.judgements import submit_judgement
from annotate.services.work.places import Place, put_first
from annotate.services.work.seats import SeatGone, release_seat, skip_seat
from tests.annotate.handout.seats import TIE

pytestmark = pytest.mark.django_db

PEOPLE, TASKS = 3, 2
DEEDS = [
    *("lease", "lease", "ahead", "answer", "answer", "submit", "skip", "release"),
    *("expire", "sweep", "lose", "come_late", "come_too_late", "pause", "rank"),
]
histories = st.lists(
    st.tuples(st.sampled_from(DEEDS), st.integers(0, PEOPLE - 1), st.integers(0, 20)), max_size=25
)


class History:
    """A project and what may happen to it. Every deed checks what the rules foresee."""

    def __init__(self, project: Project, users: list[User]) -> None:
        handout._searched_until.clear()
        self.project, self.users = project, users

    def touched(self, user: User) -> set[int]:
        """Tasks that this person sits or sat at, answered or declined."""
        own = {"project": self.project, "annotator": user}
        return {
            *Seat.objects.filter(**own).values_list("task", flat=True),
            *Judgement.objects.filter(**own).values_list("task", flat=True),
            *Skip.objects.filter(annotator=user).values_list("task", flat=True),
        }

    def free(self, user: User) -> set[int]:
        """Seats that are open, or whose lease ran out, at tasks this person has not touched."""
        seats = Seat.objects.filter(project=self.project).exclude(task__in=self.touched(user))
        over = seats.filter(state="leased", leased_until__lt=timezone.now())
        return {seat.pk for seat in (seats.filter(state="open") | over)}

    def lease(self, user: User, number: int, ahead: bool = False) -> None:
        own = list(Seat.objects.filter(annotator=user, state="leased").order_by("leased_at", "pk"))
        beside = own[number % len(own)].pk if ahead and own else None
        kept = [seat.pk for seat in own if seat.pk != beside]
        free = self.free(user)
        handout._searched_until.clear()
        lease = lease_seat(project=self.project, user=user, beside=beside)
        if kept:
            assert lease.seat_id == kept[0]
        elif len(own) >= 2 or self.state() == "paused" or not free:
            assert lease is None
        else:
            assert lease.seat_id in free
        if lease:
            seat = Seat.objects.get(pk=lease.seat_id)
            assert (seat.state, seat.annotator) == ("leased", user)
            assert seat.leased_until > timezone.now()

    def ahead(self, user: User, number: int) -> None:
        self.lease(user, number, ahead=True)

    def state(self) -> str:
        return Project.objects.get(pk=self.project.pk).state

    def seat(self, number: int) -> Seat:
        seats = list(Seat.objects.filter(project=self.project).order_by("pk"))
        return seats[number % len(seats)]

    def answer(self, user: User, number: int) -> None:
        """Submit at a seat that the person holds, if there is one."""
        own = Seat.objects.filter(project=self.project, annotator=user, state="leased")
        self.submit(user, number, own.first())

    def lose(self, user: User, number: int) -> None:
        """The leases run out, are reopened, and the next person takes one."""
        self.expire(user, number)
        self.sweep(user, 20)
        self.lease(self.users[(self.users.index(user) + 1) % PEOPLE], number)

    def come_late(self, user: User, number: int) -> None:
        """Submit at a seat that the person lost, if there is one."""
        lost = Seat.objects.filter(project=self.project, former_holders__contains=[user.pk])
        self.submit(user, number, lost.order_by("pk").first())

    def come_too_late(self, user: User, number: int) -> None:
        self.lease(user, number)
        self.lose(user, number)
        self.come_late(user, number)

    def finish(self) -> None:
        """Everybody goes on until nothing is left for them."""
        Project.objects.filter(pk=self.project.pk).update(state="active")
        for user in self.users:
            for number in range(2 * TASKS):
                self.lease(user, number)
                self.answer(user, number)
                self.check()

    def submit(self, user: User, number: int, seat: Seat | None = None) -> None:
        seat = seat or self.seat(number)
        here = seat.state == "leased" and seat.annotator == user
        elsewhere = Seat.objects.filter(task=seat.task, annotator=user, state="leased")
        before = Judgement.objects.filter(task=seat.task, annotator=user).first()
        former = user.pk in seat.former_holders
        if not before and not here and not former:
            with pytest.raises(SeatGone):
                submit_judgement(seat_id=seat.pk, user=user, value=TIE)
            return
        expected_late = not (before or here or elsewhere.exists() or seat.state == "open")
        done = submit_judgement(seat_id=seat.pk, user=user, value=TIE)
        assert done.created == (before is None)
        if before:
            assert done.judgement == before
        else:
            assert done.late == expected_late

    def skip(self, user: User, number: int) -> None:
        seat = self.seat(number)
        held = seat.state == "leased" and seat.annotator == user
        declined = Skip.objects.filter(task=seat.task, annotator=user).exists()
        answered = Judgement.objects.filter(task=seat.task, annotator=user).exists()
        if declined or ((held or user.pk in seat.former_holders) and not answered):
            skip_seat(seat_id=seat.pk, user=user, reason="other")
            assert not Seat.objects.filter(pk=seat.pk, annotator=user).exists() or declined
        else:
            with pytest.raises(SeatGone):
                skip_seat(seat_id=seat.pk, user=user, reason="other")

    def release(self, user: User, number: int) -> None:
        release_seat(seat_id=self.seat(number).pk, user=user)

    def expire(self, user: User, number: int) -> None:
        past = timezone.now() - timedelta(hours=1)
        Seat.objects.filter(annotator=user, state="leased").update(
            leased_at=past, leased_until=past
        )

    def sweep(self, user: User, number: int) -> None:
        over = Seat.objects.filter(state="leased", leased_until__lt=timezone.now()).count()
        assert reopen_expired(limit=number) == min(over, number)

    def pause(self, user: User, number: int) -> None:
        other = "active" if self.state() == "paused" else "paused"
        projects.update_project(project=self.project, actor=self.project.created_by, state=other)

    def rank(self, user: User, number: int) -> None:
        """Of two tasks none, either or both are put first, in either order."""
        first, second = Task.objects.filter(project=self.project).order_by("pk")
        chosen = ([], [first], [second], [first, second], [second, first])[number % 5]
        held = Seat.objects.filter(project=self.project, state__in=["leased", "done"])
        before = list(held.order_by("pk").values())
        put_first(project=self.project, places=[Place(task.pk) for task in chosen])
        assert list(held.order_by("pk").values()) == before
        for seat in Seat.objects.filter(project=self.project, state="open"):
            assert (seat.ranked_key is None) == (seat.task not in chosen)

    def check(self) -> None:
        judgements = Judgement.objects.filter(project=self.project)
        assert not judgements.values("task", "annotator").annotate(n=Count("*")).filter(n__gt=1)
        on_time = judgements.filter(late=False)
        done = Seat.objects.filter(project=self.project, state="done")
        assert sorted(on_time.values_list("seat", "annotator")) == sorted(
            done.values_list("pk", "annotator")
        )
        for member in Membership.objects.filter(project=self.project, role="annotator"):
            assert member.done_count == judgements.filter(annotator=member.user).count()
            assert Seat.objects.filter(annotator=member.user, state="leased").count() <= 2


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(history=histories)
def test_every_history_keeps_the_rules(history, make_project, add_member, make_pair_tasks):
    owner, _ = User.objects.get_or_create(username="owner")
    users = [User.objects.get_or_create(username=f"ann{n}")[0] for n in range(PEOPLE)]
    project = make_project(owner, overlap=2)
    for user in users:
        add_member(project, user)
    make_pair_tasks(project, TASKS)
    told = History(project, users)
    for deed, person, number in history:
        getattr(told, deed)(users[person], number)
        told.check()
    told.finish()
    Seat.objects.update(state="void", annotator=None)  # out of the next history's way
