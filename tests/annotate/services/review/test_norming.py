"""Norming: reserved seats, what stays out of exports, and the comparison afterwards."""

import json

import pytest
from django.urls import reverse

from annotate.handout import lease_seat, release_all
from annotate.kinds import InvalidValue
from annotate.models import AuditEvent, Judgement, Seat
from annotate.reports.norming import normed
from annotate.seat_numbers import number_of
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.exports import stream_export
from annotate.services.projects import update_project
from annotate.services.review import norming
from annotate.services.work import returned, seats
from annotate.services.work.judgements import revise_judgement, submit_judgement
from tests.annotate.judged_by_many import answer, computed

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    project = make_project()
    project.ada, project.bob, project.carl = (make_user(one) for one in ("ada", "bob", "carl"))
    for person in (project.ada, project.bob, project.carl):
        add_member(project, person)
    project.all = make_pair_tasks(project, 4)
    return project


def start(project, tasks=(0, 1), people=("ada", "bob")):
    return norming.start_session(
        project=project, actor=project.created_by, name="First round",
        tasks=[project.all[number].pk for number in tasks],
        people=[getattr(project, name).pk for name in people],
    )  # fmt: skip


def judge(project, person, side: int) -> Judgement:
    seat_id = returned.waiting(project_id=project.pk, user=person).seat
    seat = Seat.objects.get(pk=seat_id)
    ids = list(seat.task.places.order_by("position").values_list("response_id", flat=True))
    value = {"verdict": "prefer", "preferred": ids[side], "strength": 1}
    return submit_judgement(seat_id=seat_id, user=person, value=value).judgement


def exported(project, **filters) -> list[int]:
    chunks = stream_export(project=project, format="raw", filters=ExportFilters(**filters))
    return [json.loads(line)["id"] for line in b"".join(chunks).splitlines()]


def test_everybody_gets_the_same_tasks_and_nobody_else_those_seats(project):
    session = start(project)
    assert session.seats.count() == 4
    for person in (project.ada, project.bob):
        assert returned.waiting(project_id=project.pk, user=person).seat is not None
        lease = lease_seat(project=project, user=person)
        assert lease.task_id in {task.pk for task in project.all[2:]}
        seats.release_seat(seat_id=lease.seat_id, user=person)
    assert returned.waiting(project_id=project.pk, user=project.carl).seat is None
    held = {lease_seat(project=project, user=project.carl).task_id}
    assert held <= {task.pk for task in project.all}
    first = returned.waiting(project_id=project.pk, user=project.ada).seat
    until = seats.renew_lease(seat_id=first, user=project.ada)
    assert until == Seat.objects.get(pk=first).leased_until
    assert (until - Seat.objects.get(pk=first).leased_at).days > 3000
    seats.release_seat(seat_id=first, user=project.ada)
    assert Seat.objects.get(pk=first).state == "leased"
    seats.skip_seat(seat_id=first, user=project.ada, reason="unclear")
    assert Seat.objects.get(pk=first).state == "void"
    update_project(project=project, actor=project.created_by, overlap=3)
    update_project(project=project, actor=project.created_by, overlap=1)
    assert Seat.objects.get(pk=first).state == "void"
    lease_seat(project=project, user=project.bob)
    release_all(project=project, user=project.bob)
    states = set(Seat.objects.filter(norming__annotator=project.bob).values_list("state"))
    assert states == {("void",)}


def test_answers_stay_out_unless_asked_for(project):
    ordinary = answer(project.all[3], person=project.carl, side=0)
    start(project)
    ours = [judge(project, project.ada, 0), judge(project, project.ada, 0)]
    theirs = [judge(project, project.bob, 0), judge(project, project.bob, 1)]
    new = revise_judgement(
        judgement_id=ours[0].pk, user=project.ada, value={"verdict": "tie"}
    ).judgement
    assert exported(project) == [ordinary.pk]
    assert exported(project, norming="only") == [ours[1].pk, theirs[0].pk, theirs[1].pk, new.pk]
    assert len(exported(project, norming="include")) == 5
    assert computed(project)["voices"]["human"]["judgements"] == 1


def test_the_comparison_tells_who_differs_and_how_far_they_agree(project, client):
    session = start(project)
    for person, sides in ((project.ada, (0, 0)), (project.bob, (0, 1))):
        for side in sides:
            judge(project, person, side)
    found = normed(session)
    assert (found.done, found.wanted, found.is_complete) == (4, 4, True)
    assert [one.is_divided for one in found.tasks] == [False, True]
    [(question, share, alpha)] = found.agreement
    assert (question, share) == ("", 0.5)
    assert alpha is not None
    address = reverse("norming_session", args=[session.pk])
    client.force_login(project.ada)
    page = client.get(address).content.decode()
    assert "They differ" in page
    assert "50 %" in page
    assert page.count("<table") == page.count("scroll-x")  # on a phone each moves by itself
    client.force_login(project.carl)
    assert client.get(address).status_code == 403
    client.force_login(project.created_by)
    assert client.get(address).status_code == 200


def test_a_session_ends_once_and_who_is_not_done_is_asked_no_more(project, client):
    session = start(project)
    judge(project, project.ada, 0)
    client.force_login(project.ada)
    address = reverse("norming_session", args=[session.pk])
    assert client.get(address).status_code == 403
    client.force_login(project.created_by)
    assert client.post(reverse("end_norming", args=[session.pk])).status_code == 302
    assert client.post(reverse("end_norming", args=[session.pk])).status_code == 302
    assert AuditEvent.objects.filter(action="norming.ended").count() == 1
    assert returned.waiting(project_id=project.pk, user=project.bob).seat is None
    client.force_login(project.ada)
    assert client.get(address).status_code == 200


def test_what_is_refused(project):
    answer(project.all[0], person=project.ada, side=0)
    with pytest.raises(InvalidValue, match="ada has seen already"):
        start(project)
    lease = lease_seat(project=project, user=project.bob)
    drawn = norming.draw_tasks(project=project, people=[project.ada.pk, project.bob.pk], count=10)
    assert set(drawn) == {t.pk for t in project.all} - {project.all[0].pk, lease.task_id}
    for wrong in ({"tasks": ()}, {"people": ("ada",)}):
        with pytest.raises(InvalidValue):
            start(project, **{"tasks": (1, 2), **wrong})
    for field, ids in (("tasks", [0]), ("tasks", ["x"]), ("people", [1, 2])):
        given = {"tasks": [project.all[1].pk], "people": [project.ada.pk, project.bob.pk]}
        with pytest.raises(InvalidValue):
            norming.start_session(
                project=project, actor=project.created_by, name="x", **{**given, field: ids}
            )
    assert not Seat.objects.filter(number__gte=Seat.NORMING).exists()


def test_the_pages(project, client):
    address = reverse("norming_sessions", args=[project.pk])
    client.force_login(project.created_by)
    assert "There was no session yet" in client.get(address).content.decode()
    sent = {"name": "Round", "count": "3", "tasks": "",
            "people": [project.ada.pk, project.bob.pk]}  # fmt: skip
    done = client.post(address, sent)
    assert done.status_code == 302
    assert "0 of 6 answers" in client.get(done["Location"]).content.decode()
    assert client.post(address, {**sent, "tasks": "x"}).status_code == 422
    assert client.post(address, {**sent, "people": [project.ada.pk]}).status_code == 422
    client.force_login(project.ada)
    assert client.get(address).status_code == 403
    work = reverse("work", args=[project.pk])
    page = client.get(work)
    seat = returned.waiting(project_id=project.pk, user=project.ada).seat
    assert f'data-seat="{number_of(seat)}"' in page.content.decode()
    assert (
        client.get(
            reverse("next_task", args=[project.pk]) + f"?beside={number_of(seat)}"
        ).status_code
        == 204
    )
    judge(project, project.ada, 0)
    following = returned.waiting(project_id=project.pk, user=project.ada).seat
    assert following != seat
    assert f'data-seat="{number_of(following)}"' in client.get(work).content.decode()
