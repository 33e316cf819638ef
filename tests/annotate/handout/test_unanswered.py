"""Seats that are skipped, handed back or left with a draft."""

import pytest
from django.http import Http404

from annotate.handout import lease_seat
from annotate.models import Draft, Seat, Skip
from annotate.services import projects
from annotate.services.work.drafts import save_draft
from annotate.services.work.seats import SeatGone, release_seat, renew_lease, skip_seat
from tests.annotate.handout.seats import answer

pytestmark = pytest.mark.django_db


def test_a_skipped_task_never_comes_back_and_goes_first_to_somebody_else(crew):
    project, [ann, bob] = crew(3, 2)
    lease = lease_seat(project=project, user=ann)
    skip = skip_seat(seat_id=lease.seat_id, user=ann, reason="unclear", note="Which one?")
    assert skip_seat(seat_id=lease.seat_id, user=ann, reason="other") == skip
    assert Seat.objects.get(pk=lease.seat_id).former_holders == []
    rest = []
    while found := lease_seat(project=project, user=ann):
        rest.append(found.task_id)
        if len(rest) == 1:
            assert lease_seat(project=project, user=bob).task_id == lease.task_id
        answer(found, ann)
    assert len(rest) == 2
    assert lease.task_id not in rest
    with pytest.raises(SeatGone):
        answer(lease, ann)


def test_a_released_seat_is_open_to_everybody_and_not_answerable(crew):
    project, [ann, bob] = crew(1, 2)
    lease = lease_seat(project=project, user=ann)
    release_seat(seat_id=lease.seat_id, user=ann)
    release_seat(seat_id=lease.seat_id, user=ann)
    with pytest.raises(SeatGone, match="handed back"):
        answer(lease, ann)
    assert lease_seat(project=project, user=bob).seat_id == lease.seat_id


def test_drafts_come_back_with_the_lease_and_go_with_the_answer(crew):
    project, [ann] = crew(1, 1)
    lease = lease_seat(project=project, user=ann)
    save_draft(seat_id=lease.seat_id, user=ann, value={"verdict": "tie", "rationale": "s"})
    save_draft(seat_id=lease.seat_id, user=ann, value={"rationale": "so far"})
    assert lease_seat(project=project, user=ann).draft == {"rationale": "so far"}
    answer(lease, ann)
    assert not Draft.objects.exists()


def test_nothing_is_done_at_the_seats_of_an_archived_project(crew):
    project, [ann] = crew(1, 1)
    lease = lease_seat(project=project, user=ann)
    projects.archive_project(project=project, actor=project.created_by)
    deeds = [
        lambda: answer(lease, ann),
        lambda: skip_seat(seat_id=lease.seat_id, user=ann, reason="unclear"),
        lambda: renew_lease(seat_id=lease.seat_id, user=ann),
        lambda: release_seat(seat_id=lease.seat_id, user=ann),
        lambda: save_draft(seat_id=lease.seat_id, user=ann, value={"rationale": "x"}),
    ]
    for deed in deeds:
        with pytest.raises(Http404):
            deed()
    assert Seat.objects.get().state == "leased"
    assert not Skip.objects.exists()
