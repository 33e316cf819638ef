"""The overview's figures, each against a count by hand."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from annotate.handout import lease_seat
from annotate.models import Judgement, Seat
from annotate.reports.activity import activity
from annotate.reports.agreement import agreement
from annotate.reports.attention import flagged, latest_flags
from annotate.reports.latest import latest_judgements
from annotate.reports.people import people
from annotate.reports.progress import Pace, Progress, pace, progress
from annotate.reports.tasks import SHOW, filter_tasks, page_of_tasks, wanted_in
from annotate.services.work.judgements import revise_judgement, submit_judgement
from annotate.services.work.seats import skip_seat


@pytest.fixture(autouse=True)
def _fresh_cache(settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    project = make_project(overlap=2)
    make_pair_tasks(project, 4)
    for name in ("ada", "bob"):
        add_member(project, make_user(name))
    return project


def answer(project, user, choice: str, **more) -> Judgement:
    """Judge the next task: "first" or "second" as shown, "low" or "high" by id, or "tie"."""
    lease = lease_seat(project=project, user=user)
    shown = Seat.objects.get(pk=lease.seat_id).shown_order
    pick = {
        "first": shown[0],
        "second": shown[1],
        "low": min(shown),
        "high": max(shown),
    }.get(choice)
    value = {"verdict": "prefer", "preferred": pick, "strength": 2} if pick else {"verdict": "tie"}
    return submit_judgement(seat_id=lease.seat_id, user=user, value=value, **more).judgement


def user_of(project, name: str):
    return project.memberships.get(user__username=name).user


def test_progress_counts_seats(project) -> None:
    ada = user_of(project, "ada")
    answer(project, ada, "first")
    lease_seat(project=project, user=ada)
    found = progress(project)
    assert (found.tasks, found.done, found.leased, found.open) == (4, 1, 1, 6)
    assert (found.wanted, found.left, found.percent) == (8, 7, 12)


def test_there_is_no_estimate_from_little(project) -> None:
    answer(project, user_of(project, "ada"), "first")
    assert pace(project).per_hour is None
    assert progress(project).ends_at is None


def test_what_an_estimate_still_lacks_is_said(client, make_project, make_pair_tasks) -> None:
    """Judgements enough, minutes not."""
    project = make_project()
    make_pair_tasks(project, 22)
    for _ in range(21):
        answer(project, project.created_by, "first")
    age(project, hours=0.1)
    assert (pace(project).per_hour, pace(project).judgements, pace(project).minutes) == (
        None,
        21,
        5,
    )
    client.force_login(project.created_by)
    text = client.get(reverse("overview", args=[project.pk])).content.decode()
    assert "there are 21 judgements over 5 minutes" in text
    age(project, hours=4)
    text = client.get(reverse("overview", args=[project.pk])).content.decode()
    assert "from now" in text
    age(project, hours=0.5)
    text = client.get(reverse("overview", args=[project.pk])).content.decode()
    assert "within minutes" in text
    assert "0 minutes" not in text


def test_the_estimate_is_the_rest_at_the_pace() -> None:
    found = Progress(tasks=100, done=50, leased=2, open=48, pace=Pace(10.0, None, 500))
    began = timezone.now()
    assert began <= found.ends_at - timedelta(hours=5) <= timezone.now()
    assert Progress(1, 1, 0, 0, Pace(10.0, None, 500)).ends_at is None
    assert Progress(1, 0, 0, 10**9, Pace(0.001, None, 500)).ends_at is None


def test_the_pace_counts_first_answers_over_time(make_project, make_pair_tasks) -> None:
    project = make_project()
    owner = project.created_by
    make_pair_tasks(project, 25)
    for _ in range(24):
        row = answer(project, owner, "first")
    revise_judgement(judgement_id=row.pk, user=owner, value={"verdict": "tie"})
    age(project, hours=12)
    found = pace(project)
    # 24 answers, of which the changed one now counts no more as a first answer of its seat.
    assert found.per_hour == pytest.approx(found.judgements / 12, rel=0.01)
    assert found.judgements in (23, 24)


def age(project, hours: float) -> None:
    """Spread the judgements evenly over the last hours; only a test may write history."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE annotate_judgement DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE annotate_judgement j SET submitted_at = now() - make_interval(secs => %s)"
            " * (1 - (x.place - 1) / x.n) FROM (SELECT id, row_number() OVER (ORDER BY id) place,"
            " count(*) OVER ()::float n FROM annotate_judgement WHERE project_id = %s) x"
            " WHERE x.id = j.id",
            [hours * 3600, project.pk],
        )
        cursor.execute("ALTER TABLE annotate_judgement ENABLE TRIGGER USER")


def test_people_are_told_apart(project) -> None:
    ada, bob = user_of(project, "ada"), user_of(project, "bob")
    for choice, seconds in (("first", 10), ("first", 20), ("second", 60), ("tie", 4)):
        answer(project, ada, choice, seconds_active=seconds)
    skip_seat(seat_id=lease_seat(project=project, user=bob).seat_id, user=bob, reason="unclear")
    rows = {row.user.username: row for row in people(project)}
    assert rows["ada"].done == 4
    assert rows["ada"].median_seconds == 15
    assert rows["ada"].tie_share == 0.25
    assert rows["ada"].first_share == pytest.approx(2 / 3)
    assert rows["ada"].leans is False
    assert rows["ada"].last_active is not None
    assert (rows["bob"].done, rows["bob"].skips, rows["bob"].median_seconds) == (0, 1, None)


def test_agreement_by_hand(project) -> None:
    ada, bob = user_of(project, "ada"), user_of(project, "bob")
    for one, other in (("low", "low"), ("high", "high"), ("low", "high"), ("low", "tie")):
        answer(project, ada, one)
        answer(project, bob, other)
    found = agreement(project)
    assert (found.tasks, len(found.disagreed)) == (4, 2)
    assert found.percent == 50
    # Values: low 4, high 3, tie 1. Coincidences off the diagonal: (1 + 1) x 2 units = 4;
    # expected 64 - (16 + 9 + 1) = 38; alpha = 1 - 7 x 4 / 38.
    assert found.alpha == pytest.approx(1 - 28 / 38)
    assert {t.pk for t in filter_tasks(project, show="disagree")} == set(found.disagreed)


def test_a_changed_mind_counts_once(project) -> None:
    ada, bob = user_of(project, "ada"), user_of(project, "bob")
    row = answer(project, ada, "low")
    answer(project, bob, "high")
    assert agreement(project).percent == 0
    other = max(row.shown_order)
    revise_judgement(
        judgement_id=row.pk,
        user=ada,
        value={"verdict": "prefer", "preferred": other, "strength": 1},
    )
    assert agreement(project).percent == 100


def test_activity_sums_to_the_judgements(project) -> None:
    assert activity(project) is None
    for _ in range(3):
        answer(project, user_of(project, "ada"), "first")
    found = activity(project)
    assert found.total == 3
    assert sum(int(count) for _, count in found.chart.rows) == 3
    assert found.cut_at is None


def test_each_filter_finds_its_tasks(project) -> None:
    ada, bob = user_of(project, "ada"), user_of(project, "bob")
    first = answer(project, ada, "low", flag="odd")
    answer(project, bob, "low")
    second = answer(project, ada, "low")
    skipped = Seat.objects.get(pk=lease_seat(project=project, user=ada).seat_id)
    skip_seat(seat_id=skipped.pk, user=ada, reason="unclear")
    ids = {show: {task.pk for task in filter_tasks(project, show=show)} for show in SHOW}
    assert len(ids[""]) == 4
    assert ids["complete"] == ids["double"] == ids["flagged"] == {first.task_id}
    assert ids["begun"] == {second.task_id}
    assert ids["untouched"] == ids[""] - {first.task_id, second.task_id}
    assert ids["skipped"] == {skipped.task_id}
    assert ids["disagree"] == ids["late"] == set()
    assert {t.pk for t in filter_tasks(project, person=bob.pk)} == {first.task_id}
    assert latest_flags(project)[0].flag == "odd"


def test_what_waits_and_what_is_held_is_what_its_list_counts(client, project) -> None:
    ada = user_of(project, "ada")
    done = answer(project, ada, "low").task_id
    held = Seat.objects.get(pk=lease_seat(project=project, user=ada).seat_id)
    Seat.objects.filter(task=held.task_id).exclude(pk=held.pk).update(state=Seat.State.VOID)
    client.force_login(project.created_by)
    page = client.get(reverse("overview", args=[project.pk])).content.decode()
    tasks = reverse("tasks", args=[project.pk])
    for show, judgements, of in (("waiting", 5, 3), ("held", 1, 1)):
        assert f'<a href="{tasks}?show={show}">{judgements}</a>' in page
        listed = client.get(tasks, {"show": show})
        assert f"judgements {judgements}, tasks {of}." in listed.content.decode()
        assert sum(row.counted for row in listed.context["rows"]) == judgements
        assert len(listed.context["rows"]) == of
    waiting = {task.pk for task in filter_tasks(project, show="waiting")}
    assert done in waiting
    assert held.task_id not in waiting
    found = wanted_in(project, show="waiting", person=ada.pk)
    assert (found.judgements, found.tasks) == (1, 1)
    assert wanted_in(project, show="begun") is None


def test_what_stands_beside_a_person_is_found_again(project) -> None:
    ada, bob = user_of(project, "ada"), user_of(project, "bob")
    said = {choice: answer(project, ada, choice).task_id for choice in ("tie", "first", "second")}
    assert answer(project, bob, "first").task_id == said["tie"]
    skipped = Seat.objects.get(pk=lease_seat(project=project, user=bob).seat_id)
    skip_seat(seat_id=skipped.pk, user=bob, reason="unclear")

    def found(show: str, person=None) -> set[int]:
        return {task.pk for task in filter_tasks(project, show=show, person=person)}

    assert found("ties", ada.pk) == found("ties") == {said["tie"]}
    assert found("ties", bob.pk) == set()
    assert found("first", ada.pk) == {said["first"]}
    assert found("first") == {said["first"], said["tie"]}
    assert found("skipped", bob.pk) == {skipped.task_id}
    assert found("skipped", ada.pk) == set()
    assert found("unaided") == {said["tie"]}


def test_pages_of_tasks_cover_all_once(make_project, make_pair_tasks) -> None:
    project = make_project()
    made = {task.pk for task in make_pair_tasks(project, 120)}
    seen, before = [], None
    while True:
        rows, before = page_of_tasks(filter_tasks(project), before)
        seen += [row.task.pk for row in rows]
        if before is None:
            break
    assert len(seen) == 120
    assert set(seen) == made


@pytest.mark.parametrize("count", [1, 60])
def test_pages_cost_the_same_for_one_and_for_many(
    client, make_project, make_pair_tasks, django_assert_max_num_queries, count
) -> None:
    project = make_project()
    owner = project.created_by
    make_pair_tasks(project, count)
    for _ in range(count):
        answer(project, owner, "first", flag="see this")
    client.force_login(owner)
    with django_assert_max_num_queries(22):
        assert client.get(reverse("overview", args=[project.pk])).status_code == 200
    with django_assert_max_num_queries(10):
        page = client.get(reverse("tasks", args=[project.pk]))
    assert len(page.context["rows"]) == min(count, 50)


def test_the_live_part_stops_asking_when_all_is_judged(
    client, make_project, make_pair_tasks
) -> None:
    project = make_project()
    make_pair_tasks(project, 1)
    client.force_login(project.created_by)
    url = reverse("overview", args=[project.pk])
    part = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 5s"' in part
    assert "Nobody has flagged a task." in part
    assert "<html" not in part
    answer(project, project.created_by, "first")
    done = client.get(url).content.decode()
    assert 'hx-trigger="every 5s"' not in done
    assert "Everything is judged" in done


def test_an_empty_project_says_what_to_do(client, make_project) -> None:
    project = make_project()
    client.force_login(project.created_by)
    text = client.get(reverse("overview", args=[project.pk])).content.decode()
    assert reverse("imports", args=[project.pk]) in text
    assert "Nothing to judge yet" in text


def test_a_task_shows_every_judgement_in_words(client, project) -> None:
    ada = user_of(project, "ada")
    row = answer(project, ada, "low", rationale="shorter")
    revise_judgement(judgement_id=row.pk, user=ada, value={"verdict": "tie"})
    client.force_login(project.created_by)
    page = client.get(reverse("task", args=[row.task_id]))
    answers = [one["answer"] for one in page.context["judgements"]]
    assert answers == ["A, clearly better", "Tie"]
    text = page.content.decode()
    assert "Superseded" in text
    assert "shorter" in text
    assert "g0" in text or "ga" in text


def test_the_window_holds_the_latest_and_no_more(project) -> None:
    ada, bob = user_of(project, "ada"), user_of(project, "bob")
    rows = [answer(project, user, "first").pk for user in (ada, bob, ada, bob, ada)]
    for limit in (1, 3, 5, 100):
        found = latest_judgements(project, limit).order_by("pk").values_list("pk", flat=True)
        assert list(found) == rows[-limit:]


def test_flags_are_found_by_their_index(make_project, make_pair_tasks) -> None:
    project = make_project()
    [task] = make_pair_tasks(project, 1)
    Judgement.objects.bulk_create(
        Judgement(
            project=project,
            task=task,
            kind="pairwise",
            value={"verdict": "tie"},
            source="imported",
            idempotency_key=str(number),
            flag="wrong language" if number in (10, 700) else "",
        )
        for number in range(2000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE annotate_judgement")
    rows = flagged(project)
    assert [row.idempotency_key for row in rows] == ["700", "10"]
    query, parameters = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query} LIMIT 5", parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "judgement_flags" in plan


def test_a_held_task_is_begun(make_project, make_pair_tasks) -> None:
    project = make_project(overlap=1)
    make_pair_tasks(project, 2)
    lease = lease_seat(project=project, user=project.created_by)
    held = Seat.objects.get(pk=lease.seat_id).task_id
    assert [task.pk for task in filter_tasks(project, show="begun")] == [held]
