"""An account ends while its person, or somebody who shares a project with them, does something.

Real connections: each deed is stopped where it holds some of its locks, by whoever holds the next.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from django.db import connection, transaction

from annotate.handout import lease_seat
from annotate.inputs import InvalidValue
from annotate.models import Judgement, Membership, PanelStudy, Participation, Seat
from annotate.services.people.accounts import delete_account
from annotate.services.people.invitations import accept_invitation, create_invitation
from annotate.services.people.panels import create_study
from annotate.services.people.participations import enter, release
from annotate.services.work.judgements import submit_judgement
from tests.annotate.handout.seats import TIE
from tests.waiting import PATIENCE, locks_waited_for, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "correct horse battery"

Begin = Callable[[Callable[[], object]], Future]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """begin(deed) -> its future, once it has come to its end or waits for a lock."""

    def run(deed: Callable[[], object]) -> object:
        with closing(connection):
            return deed()

    with ThreadPoolExecutor(2) as pool:
        waiting = 0

        def start(deed: Callable[[], object]) -> Future:
            nonlocal waiting
            future = pool.submit(run, deed)
            wait_until(lambda: future.done() or locks_waited_for() > waiting)
            waiting = locks_waited_for()
            return future

        yield start


@contextmanager
def held(rows) -> Iterator[None]:
    """As long as this lasts, others wait for the rows."""
    with transaction.atomic():
        assert list(rows.select_for_update())
        yield


def end(user) -> None:
    delete_account(user=user, username=user.username, password=PASSWORD, address=None)


def is_gone(user) -> bool:
    user.refresh_from_db()
    return not user.is_active and not Membership.objects.filter(user=user).exists()


def test_an_answer_on_its_way_is_taken_first(make_project, make_user, make_pair_tasks, begin):
    project, ada = make_project(make_user("olga")), make_user("ada")
    Membership.objects.create(project=project, user=ada, role="annotator")
    make_pair_tasks(project, 1)
    seat = lease_seat(project=project, user=ada).seat_id
    with held(Seat.objects.filter(pk=seat)):  # the answer has the membership, not yet the seat
        answering = begin(lambda: submit_judgement(seat_id=seat, user=ada, value=TIE))
        ending = begin(lambda: end(ada))
        assert not answering.done()
        assert not ending.done()
    assert answering.result(PATIENCE).created
    ending.result(PATIENCE)
    assert is_gone(ada)
    assert Judgement.objects.get().annotator == ada
    assert Seat.objects.get().state == "done"


def test_a_panel_that_takes_them_out_at_once(make_project, make_pair_tasks, make_user, begin):
    project = make_project(make_user("olga"))
    make_pair_tasks(project, 1)
    study = create_study(project=project, actor=project.created_by, name="Study")
    entry = {"participant": "p1", "panel_study": "", "session": ""}
    ada = enter(study=study, entry=entry, address=None).user
    with held(Membership.objects.filter(user=ada)):  # the release has the study, not the person
        releasing = begin(
            lambda: release(
                study=study, participant="p1", reason="returned", actor=project.created_by
            )
        )
        ending = begin(
            lambda: delete_account(user=ada, username=ada.username, password="", address=None)
        )
        assert not releasing.done()
        assert not ending.done()
    releasing.result(PATIENCE)
    ending.result(PATIENCE)
    assert is_gone(ada)
    assert Participation.objects.get().state == "returned"
    assert PanelStudy.objects.get().taken == 0


def test_of_two_owners_only_one_can_go(make_project, make_user, begin):
    olga, omar = make_user("olga"), make_user("omar")
    project = make_project(olga)
    Membership.objects.create(project=project, user=omar, role="owner")
    with transaction.atomic():
        end(olga)
        second = begin(lambda: end(omar))
    with pytest.raises(InvalidValue, match="only owner"):
        second.result(PATIENCE)
    assert Membership.objects.get(project=project).user == omar


def test_who_comes_in_meanwhile_leaves_again(make_project, make_user, begin):
    first, second = make_project(make_user("olga")), make_project(make_user("omar"))
    ada = make_user("ada")
    Membership.objects.create(project=first, user=ada, role="annotator")
    invitation = create_invitation(project=second, actor=second.created_by)
    with transaction.atomic():
        accept_invitation(invitation=invitation, user=ada)
        ending = begin(lambda: end(ada))
        assert not ending.done()
    ending.result(PATIENCE)
    assert is_gone(ada)


def test_who_ended_the_account_does_not_come_in(make_project, make_user, begin):
    project, ada = make_project(make_user("olga")), make_user("ada")
    invitation = create_invitation(project=project, actor=project.created_by)
    with transaction.atomic():
        end(ada)
        coming = begin(lambda: accept_invitation(invitation=invitation, user=ada))
        assert not coming.done()
    with pytest.raises(InvalidValue, match="open no more"):
        coming.result(PATIENCE)
    assert is_gone(ada)
