"""Hidden items: how often they come, to whom, and that they are nobody's ordinary work."""

import itertools
import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate.handout import lease_seat, release_all, reopen_expired
from annotate.kinds import InvalidValue
from annotate.models import AuditEvent, GoldCheck, Judgement, Membership, Prompt, Seat, Task
from annotate.progress import Progress, for_eyes_of, progress_now
from annotate.seat_numbers import id_of, number_of
from annotate.services.people.members import change_member
from annotate.services.people.standing import pause_member, resume_member, set_rules
from annotate.services.people.tokens import issue_token
from annotate.services.work.gold import change_gold, retire_gold, set_gold
from annotate.services.work.judgements import revise_judgement, submit_judgement
from annotate.services.work.requirements import set_skills
from annotate.services.work.seats import skip_seat
from tests.annotate.handout.seats import expire

pytestmark = pytest.mark.django_db


def work(project, user, answer, count: int) -> list:
    leases = []
    for _ in range(count):
        lease = lease_seat(project=project, user=user)
        answer(lease, user)
        leases.append(lease)
    return leases


@pytest.mark.parametrize("percent", [5, 10, 20, 50])
def test_each_block_of_seats_holds_one_hidden_item_at_a_place_that_is_drawn(
    percent, shop, answer, is_gold
):
    project, [ann, ben], _items = shop(120, gold=60, people=2, overlap=2, gold_percent=percent)
    size = 100 // percent
    places = {}
    for user in (ann, ben):
        told = [is_gold(lease) for lease in work(project, user, answer, 100)]
        blocks = [told[start : start + size] for start in range(0, 100, size)]
        assert {sum(block) for block in blocks} == {1}
        places[user] = [block.index(True) for block in blocks]
    if percent <= 20:
        assert len(set(places[ann])) > 1
        assert places[ann] != places[ben]


def test_hidden_items_come_once_to_each_person_and_take_no_ordinary_seat(shop, answer, is_gold):
    project, users, items = shop(30, gold=5, people=3, gold_percent=50)
    got = {user: [] for user in users}
    left = list(users)
    while left:
        for user in list(left):
            lease = lease_seat(project=project, user=user)
            if lease is None:
                left.remove(user)
                continue
            answer(lease, user)
            if is_gold(lease):
                got[user].append(lease.task_id)
    ordinary = Judgement.objects.filter(is_gold=False)
    assert ordinary.count() == 30 == ordinary.values("task").distinct().count()
    assert all(len(tasks) == len(set(tasks)) for tasks in got.values())
    assert sum(map(len, got.values())) == Judgement.objects.filter(is_gold=True).count() > 5
    assert not ordinary.filter(task__in=[item.task_id for item in items]).exists()
    assert progress_now(project.pk).done == progress_now(project.pk).total == 30


def test_who_knows_all_hidden_items_gets_ordinary_ones_and_new_ones_are_found(
    shop, answer, is_gold, standing_of
):
    project, [ann], _items = shop(40, gold=2, gold_percent=50)
    assert sum(map(is_gold, work(project, ann, answer, 20))) == 2
    assert standing_of(project, ann).gold_spent
    task = Task.objects.filter(project=project, overlap=1, seats__state="open").last()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("annotate.services.work.gold.transaction.on_commit", lambda call: call())
        set_gold(task=task, actor=project.created_by, value={"verdict": "tie"})
    assert task.pk in [lease.task_id for lease in work(project, ann, answer, 4)]


def test_a_hidden_item_looks_like_any_other_task(shop, answer):
    project, [ann], _items = shop(4, gold=2, gold_percent=50)
    leases = work(project, ann, answer, 4)
    assert len({tuple(sorted(vars(lease))) for lease in leases}) == 1
    seats = Seat.objects.in_bulk([lease.seat_id for lease in leases])
    hidden = [seat for seat in seats.values() if seat.is_gold]
    assert hidden
    assert all(
        sorted(seat.shown_order) == sorted(seat.task.responses.values_list("pk", flat=True))
        for seat in hidden
    )


def test_a_lease_of_a_hidden_item_that_ran_out_stays_its_holders(shop, answer, is_gold):
    project, [ann, ben], _items = shop(6, gold=1, people=2, gold_percent=50)
    lease = lease_seat(project=project, user=ann)
    while not is_gold(lease):
        answer(lease, ann)
        lease = lease_seat(project=project, user=ann)
    expire(lease.seat_id)
    assert reopen_expired(limit=10) == 0
    assert lease_seat(project=project, user=ann).seat_id == lease.seat_id
    assert lease_seat(project=project, user=ben).seat_id != lease.seat_id
    release_all(project=project, user=ann)
    seat = Seat.objects.get(pk=lease.seat_id)
    assert (seat.state, seat.annotator, seat.reopened_key) == ("void", None, None)


def test_a_skipped_hidden_item_goes_to_nobody_else(shop, answer, is_gold):
    project, [ann], [item] = shop(8, gold=1, gold_percent=50)
    lease = lease_seat(project=project, user=ann)
    while not is_gold(lease):
        answer(lease, ann)
        lease = lease_seat(project=project, user=ann)
    skip_seat(seat_id=lease.seat_id, user=ann, reason="unclear")
    assert Seat.objects.get(pk=lease.seat_id).state == Seat.State.VOID
    assert item.task_id not in [one.task_id for one in work(project, ann, answer, 4)]


def test_managers_and_reviewers_who_know_the_answers_get_none(
    shop, answer, is_gold, add_member, django_user_model
):
    project, _people, _items = shop(10, gold=5, gold_percent=50)
    rev = django_user_model.objects.create(username="rev")
    add_member(project, rev, role="reviewer")
    assert not any(map(is_gold, work(project, rev, answer, 10)))


def find_hidden(project, user, answer, is_gold, verdict="tie"):
    """Work until a hidden item comes; its answer."""
    while True:
        lease = lease_seat(project=project, user=user)
        done = answer(lease, user, verdict if is_gold(lease) else "tie")
        if is_gold(lease):
            return done.judgement


def test_answers_are_graded_and_graded_anew_when_they_or_the_known_answer_change(
    shop, answer, is_gold
):
    project, [ann], _items = shop(20, gold=3, gold_percent=50)
    wrong = find_hidden(project, ann, answer, is_gold, "both_bad")
    right = find_hidden(project, ann, answer, is_gold)
    assert GoldCheck.objects.get(judgement=right).right
    # Both are ties, which is not what was preferred; so "both bad" is right as well.
    assert GoldCheck.objects.get(judgement=wrong).distance == 0
    first = right.shown_order[0]
    prefer = {"verdict": "prefer", "preferred": first, "strength": 1}
    revised = revise_judgement(judgement_id=right.pk, user=ann, value=prefer).judgement
    assert revised.is_gold
    check = GoldCheck.objects.get(task=right.task_id)
    assert (check.judgement_id, check.right, check.distance) == (revised.pk, False, 0.5)
    assert check.answered_at == right.submitted_at
    item = right.task.gold_item
    change_gold(item=item, actor=project.created_by, tolerance=0.5)
    check.refresh_from_db()
    assert check.right
    change_gold(item=item, actor=project.created_by, tolerance=None)
    set_gold(task=right.task, actor=project.created_by, value=prefer)
    check.refresh_from_db()
    assert (check.right, check.distance) == (True, 0)


def miss(project, user, answer, is_gold, count: int) -> None:
    for _ in range(count):
        lease = lease_seat(project=project, user=user)
        if not is_gold(lease):
            answer(lease, user)
            continue
        first = lease.responses[0]["id"]
        value = {"verdict": "prefer", "preferred": first, "strength": 1}
        submit_judgement(seat_id=lease.seat_id, user=user, value=value)


def test_who_falls_below_the_floor_is_paused_until_a_manager_lets_them_go_on(
    shop, answer, is_gold, standing_of
):
    rules = {"gold_percent": 50, "gold_floor": 60, "gold_floor_from": 3}
    project, [ann], _items = shop(40, gold=12, **rules)
    find_hidden(project, ann, answer, is_gold)
    while GoldCheck.objects.filter(right=False).count() < 2:
        assert standing_of(project, ann).paused_at is None
        miss(project, ann, answer, is_gold, 1)
    standing = standing_of(project, ann)
    assert standing.paused_why == "gold"
    assert lease_seat(project=project, user=ann) is None
    event = AuditEvent.objects.get(action="member.paused")
    assert (event.actor, event.detail["right"], event.detail["of"]) == (None, 1, 3)

    member = standing.membership
    resume_member(membership=member, actor=project.created_by)
    assert AuditEvent.objects.filter(action="member.resumed").exists()
    # What was missed before counts no more: three further hidden items come first.
    while GoldCheck.objects.filter(right=False).count() < 4:
        miss(project, ann, answer, is_gold, 1)
        assert standing_of(project, ann).paused_at is None
    find_hidden(project, ann, answer, is_gold)
    assert standing_of(project, ann).paused_why == "gold"


def test_a_manager_pauses_by_hand_also_where_there_are_no_rules(shop, answer):
    project, [ann], _items = shop(4)
    held = lease_seat(project=project, user=ann)
    pause_member(membership=ann.memberships.get(), actor=project.created_by)
    assert lease_seat(project=project, user=ann).seat_id == held.seat_id
    assert answer(held, ann).created
    assert lease_seat(project=project, user=ann) is None
    resume_member(membership=ann.memberships.get(), actor=project.created_by)
    assert lease_seat(project=project, user=ann) is not None


def test_a_retired_item_is_drawn_no_more_and_may_become_ordinary_work(shop, answer):
    project, [ann], [item] = shop(0, gold=1, gold_percent=50)
    assert Seat.objects.get(task=item.task_id).state == Seat.State.VOID
    retire_gold(item=item, actor=project.created_by, to_people=True)
    lease = lease_seat(project=project, user=ann)
    assert lease.task_id == item.task_id
    assert not answer(lease, ann).judgement.is_gold


@pytest.mark.django_db(transaction=True)
def test_two_browsers_at_once_draw_no_more_than_one(shop, answer):
    project, [ann], _items = shop(400, gold=40, gold_percent=20)
    ended = []
    start = threading.Barrier(2)

    def browse() -> None:
        try:
            start.wait(timeout=60)
            for _ in range(25):
                lease = lease_seat(project=project, user=ann)
                beside = lease_seat(project=project, user=ann, beside=lease.seat_id)
                for one in filter(None, (lease, beside)):
                    answer(one, ann)
            ended.append(True)
        finally:
            connection.close()

    threads = [threading.Thread(target=browse) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    assert ended == [True, True]
    member = ann.memberships.get()
    drawn = Seat.objects.filter(annotator=ann)
    assert member.standing.draws == drawn.count() == member.done_count
    order = list(drawn.order_by("leased_at", "pk").values_list("is_gold", flat=True))
    whole = order[: len(order) // 5 * 5]
    assert [sum(whole[at : at + 5]) for at in range(0, len(whole), 5)] == [1] * (len(whole) // 5)


def test_rules_refuse_what_makes_no_sense(shop):
    project, _people, _items = shop(1)
    for fields in ({"gold_percent": 51}, {"quiz_pass_percent": 80}, {"training": True}, {"x": 1}):
        with pytest.raises(InvalidValue):
            set_rules(project=project, actor=project.created_by, **fields)


def test_hidden_items_are_in_languages_and_for_skills_that_their_people_have(shop, is_gold):
    project, [ann], items = shop(30, gold=3, gold_percent=50)
    german, doctors, plain = (item.task for item in items)
    Prompt.objects.filter(pk=german.prompt_id).update(language="de")
    set_skills(task=doctors, actor=project.created_by, skills=["Medicine"])
    member = Membership.objects.get(project=project, user=ann)
    change_member(membership=member, actor=project.created_by, languages=["en"])

    def golden(count: int) -> list[int]:
        found = []
        for _ in range(count):
            lease = lease_seat(project=project, user=ann)
            submit_judgement(seat_id=lease.seat_id, user=ann, value={"verdict": "tie"})
            found += [lease.task_id] if is_gold(lease) else []
        return found

    assert golden(8) == [plain.pk]
    # Whoever has learnt something is checked by what was passed over.
    member.refresh_from_db()
    change_member(membership=member, actor=project.created_by, languages=["en", "de-AT"])
    assert golden(8) == [german.pk]
    member.refresh_from_db()
    change_member(membership=member, actor=project.created_by, skills=["medicine"])
    assert golden(8) == [doctors.pk]


def test_an_answer_waits_for_a_known_answer_that_is_being_changed(shop, answer, is_gold):
    """Else it would be graded by what is known no more, and not be graded anew with the others."""
    project, [ann], _items = shop(4, gold=1, gold_percent=50)
    while not is_gold(lease := lease_seat(project=project, user=ann)):
        answer(lease, ann)
    with CaptureQueriesContext(connection) as queries:
        answer(lease, ann)
    said = [query["sql"] for query in queries]
    locked = next(n for n, sql in enumerate(said) if "golditem" in sql and "NO KEY UPDATE" in sql)
    read = next(n for n, sql in enumerate(said) if '"annotate_task"."gold"' in sql)
    assert locked < read


def test_progress_does_not_tell_which_answers_were_checks(shop, answer, is_gold, client) -> None:
    """Nor whether the task that is held now is one, over REST and on pages."""
    project, [ann, ben], _items = shop(30, gold=4, people=2, gold_percent=20)
    for lease in work(project, ben, answer, 6):
        assert lease
    token = issue_token(user=ann, scopes=["read"])[1]
    rest = f"/api/v1/projects/{project.pk}/progress/"
    shown, told, checks = [], [], 0
    for _ in range(12):
        lease = lease_seat(project=project, user=ann)
        checks += is_gold(lease)
        for held in (True, False):
            answer(lease, ann) if not held else None
            said = client.get(rest, headers={"Authorization": f"Token {token}"}).json()
            told.append({**said, "mine": 0})
        member = Membership.objects.get(project=project, user=ann)
        shown.append(for_eyes_of(member, progress_now(project.pk)).done)
    assert checks
    assert all(one % 10 == 0 or one == own for own, one in enumerate(shown, 1))
    counts = [one["seats"]["done"] for one in told]
    assert all(one % 10 == 0 for one in counts)
    assert {one["seats"]["leased"] for one in told} == {0}
    manager = issue_token(user=project.created_by, scopes=["read"])[1]
    exact = client.get(rest, headers={"Authorization": f"Token {manager}"}).json()
    assert exact["seats"]["done"] == Judgement.objects.filter(is_gold=False).count()


def test_progress_is_whole_when_it_is_and_not_before() -> None:
    assert Progress(28, 40, has_checks=True).in_tens().done == 20
    assert Progress(28, 28, has_checks=True).in_tens().done == 28
    assert Progress(28, 40).in_tens().done == 28
    assert Progress(0, 0, has_checks=True).in_tens().percent == 0


def test_the_number_of_a_seat_does_not_tell_when_it_was_made(shop, answer, is_gold, client):
    """The seat of a hidden item is the latest of all; its number is one among the others."""
    project, [ann], _items = shop(8, gold=4, gold_percent=50)
    leases = work(project, ann, answer, 12)
    hidden = {lease.seat_id for lease in leases if is_gold(lease)}
    assert min(hidden) > max({lease.seat_id for lease in leases} - hidden)
    client.force_login(ann)
    lease = lease_seat(project=project, user=ann)
    if lease is not None:
        page = client.get(f"/projects/{project.pk}/work/").content.decode()
        assert f"/work/{lease.seat_id}/" not in page
    numbers = [number_of(lease.seat_id) for lease in leases]
    assert [id_of(number) for number in numbers] == [lease.seat_id for lease in leases]
    gaps = [abs(second - first) for first, second in itertools.pairwise(sorted(numbers))]
    assert min(gaps) > 1000
