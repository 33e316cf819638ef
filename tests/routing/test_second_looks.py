"""Second looks as a project has them: what is trusted, turned round and asked, and the way back."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotate.handout import lease_seat
from annotate.inputs import InvalidValue
from annotate.models import AuditEvent, JobState, Judgement, LabelFlip, Prompt, Seat, Task
from annotate.services import jobs
from annotate.services.outgoing.snapshots import create_snapshot
from routing import judges
from routing.models import SecondLook, SecondLookItem
from routing.reports.second_look import held
from routing.services import looking_again
from routing.services.looking_again import run_second_look
from routing.services.policies import current_judge
from routing.services.second_looks import labelled_alone, start_second_look, take_back_look
from tests.routing.doubted import CLEAR, better, fill, gap, judged, label
from tests.routing.length_judge import LengthJudge
from tests.routing.lock_order import require_tasks_before_seats

pytestmark = pytest.mark.django_db
AUDITED, ALONE = 100, 70
NEW = {*range(60), *range(AUDITED, AUDITED + 20)}
SETTINGS = {"labels": 20, "explore": 0.1, "flip": 0.75, "trust": 0.2}


@pytest.fixture
def people(make_user):
    return make_user("ann")


@pytest.fixture
def project(make_project, length_judge, people, add_member):
    project = make_project(overlap=1, seed=3, test_percent=0)
    fill(project, people, audited=AUDITED, alone=ALONE)
    return project


def claim(look: SecondLook) -> SecondLook:
    return jobs.claim(SecondLook, look.pk, owner="test")


def look_again(project, *, dry_run=False, **settings) -> SecondLook:
    look = start_second_look(
        project=project, actor=project.created_by, settings={**SETTINGS, **settings},
        dry_run=dry_run,
    )  # fmt: skip
    run_second_look(run=claim(look))
    look.refresh_from_db()
    return look


def number_of(task: Task) -> int:
    return int(task.prompt.conversation[0]["content"].split()[1][:-1])


def test_a_dry_run_tells_what_the_look_then_does(project, people, add_member) -> None:
    dry = look_again(project, dry_run=True)
    assert dry.state == JobState.DONE, dry.message
    assert dry.report["there"] == dry.report["read"] == ALONE
    assert dry.report["calibrated_on"] == AUDITED
    assert not SecondLookItem.objects.exists()
    assert not LabelFlip.objects.exists()
    assert labelled_alone(project).count() == ALONE

    look = look_again(project)
    assert look.state == JobState.DONE, look.message
    assert look.report == dry.report
    counts = look.report["counts"]
    assert sum(counts.values()) == ALONE
    assert min(counts["trust"], counts["flip"], counts["people"]) > 8
    assert look.report["asked"] in (19, 20)  # the draw among the sure ones comes out whole
    assert look.report["wrong_after"] < 0.6 * look.report["wrong_before"]

    items = list(look.items.select_related("task__prompt"))
    assert {item.state for item in items} == {"applied"}
    flipped = {f.judgement.task_id: f for f in LabelFlip.objects.in_force()}
    assert set(flipped) == {item.task_id for item in items if item.outcome == "flip"}
    right = sum(
        flip.value == label(flip.judgement.task, better(number_of(flip.judgement.task))).value
        for flip in flipped.values()
    )
    assert right > 0.85 * len(flipped)
    for item in items:
        number = number_of(item.task)
        assert item.label == 1 - 2 * judged(number)
        assert item.margin == pytest.approx(-item.label * gap(number) / 10, abs=1e-6)
        open_seats = Seat.objects.filter(task=item.task, state="open").count()
        asked = item.outcome == "people" or item.explored
        assert (item.task.route, open_seats) == (("both", 1) if asked else ("ai", 0))
        assert item.outcome != "people" or gap(number) < CLEAR + 10
    # What the judge said stays, and stays current.
    labels = Judgement.objects.current().filter(project=project, source="judge")
    assert labels.count() == AUDITED + ALONE
    events = AuditEvent.objects.filter(action__startswith="routing.second_look")
    done, queued = events.order_by("-pk")[:2]
    assert (queued.detail["dry_run"], done.detail["asked"]) == (False, look.report["asked"])
    add_member(project, people)
    assert lease_seat(project=project, user=people) is not None


def test_a_killed_look_goes_on_where_it_was(project, monkeypatch) -> None:
    look = start_second_look(project=project, actor=None, settings=SETTINGS, dry_run=False)
    real, done = looking_again.apply_item, []

    def dies(pk: int) -> None:
        if len(done) == 5:
            raise MemoryError
        done.append(pk)
        real(pk)

    monkeypatch.setattr(looking_again, "apply_item", dies)
    with pytest.raises(MemoryError):
        run_second_look(run=claim(look))
    planned = sorted(look.items.values_list("task", "outcome", "explored"))
    monkeypatch.setattr(looking_again, "apply_item", real)
    SecondLook.objects.update(lease_until=timezone.now())
    run_second_look(run=claim(look))
    look.refresh_from_db()
    assert look.state == JobState.DONE, look.message
    assert look.progress == look.total == ALONE
    assert sorted(look.items.values_list("task", "outcome", "explored")) == planned
    assert not look.items.exclude(state="applied").exists()
    assert LabelFlip.objects.count() == look.report["counts"]["flip"]
    assert Task.objects.filter(route="both").count() == AUDITED + look.report["asked"]


def test_a_cancel_stops_at_its_next_step_and_what_was_done_is_taken_back(
    project, monkeypatch
) -> None:
    monkeypatch.setattr(looking_again, "AT_ONCE", 1)
    look = start_second_look(project=project, actor=None, settings=SETTINGS, dry_run=False)
    with pytest.raises(InvalidValue, match="under way"):
        take_back_look(look=look, actor=None)
    real = looking_again.apply_item

    def cancels(pk: int) -> None:
        real(pk)
        if LabelFlip.objects.count() == 3:
            jobs.request_cancel(look)

    monkeypatch.setattr(looking_again, "apply_item", cancels)
    run_second_look(run=claim(look))
    look.refresh_from_db()
    assert look.state == JobState.CANCELLED
    assert look.items.filter(state="planned").exists()
    assert LabelFlip.objects.in_force().count() == 3
    take_back_look(look=look, actor=None)
    assert not LabelFlip.objects.in_force().exists()
    assert labelled_alone(project).count() == ALONE


def test_a_cancel_before_the_plan_changes_nothing(project) -> None:
    claimed = claim(
        start_second_look(project=project, actor=None, settings=SETTINGS, dry_run=False)
    )
    jobs.request_cancel(claimed)
    run_second_look(run=claimed)
    assert SecondLook.objects.get().state == JobState.CANCELLED
    assert not SecondLookItem.objects.exists()


def test_taking_back_leaves_what_people_began(project, people) -> None:
    with CaptureQueriesContext(connection) as queries:
        look = look_again(project)
    require_tasks_before_seats(queries, at_least=10)
    [begun, answered, *rest] = Seat.objects.filter(
        task__in=look.items.asking_people().values("task")
    )
    begun.state, begun.annotator = Seat.State.DONE, people
    begun.save(update_fields=["state", "annotator"])
    label(answered.task, 0, annotator=people).save()
    with CaptureQueriesContext(connection) as queries:
        take_back_look(look=look, actor=project.created_by)
    require_tasks_before_seats(queries, at_least=1)
    assert not LabelFlip.objects.in_force().exists()
    kept = {begun.task_id, answered.task_id}
    asked = Task.objects.filter(second_looks__look=look).exclude(route="ai")
    assert set(asked.values_list("pk", flat=True)) == kept
    assert set(
        Seat.objects.filter(pk__in=[s.pk for s in rest]).values_list("state", flat=True)
    ) == {"void"}
    event = AuditEvent.objects.get(action="routing.second_look_taken_back")
    assert event.detail["tasks"] == len(rest) > 10
    with pytest.raises(InvalidValue, match="taken back before"):
        take_back_look(look=look, actor=None)


def test_a_dry_run_cannot_be_taken_back(project) -> None:
    with pytest.raises(InvalidValue, match="dry run"):
        take_back_look(look=look_again(project, dry_run=True), actor=None)


def test_what_somebody_began_meanwhile_is_passed_over(project, people, monkeypatch) -> None:
    real = looking_again.carry_out
    taken = []

    def somebody_is_faster(run: SecondLook) -> None:
        for outcome in ("flip", "people"):
            item = run.items.filter(outcome=outcome).first()
            label(item.task, 0, annotator=people).save()
            taken.append(item.task_id)
        real(run)

    monkeypatch.setattr(looking_again, "carry_out", somebody_is_faster)
    look = look_again(project)
    assert look.state == JobState.DONE, look.message
    passed = look.items.filter(state="passed_over")
    assert set(passed.values_list("task", flat=True)) == set(taken)
    assert set(Task.objects.filter(pk__in=taken).values_list("route", flat=True)) == {"ai"}
    assert not LabelFlip.objects.filter(judgement__task__in=taken).exists()


def test_what_was_turned_or_asked_is_not_looked_at_again(project) -> None:
    first = look_again(project)
    second = look_again(project)
    left = ALONE - first.report["counts"]["flip"] - first.report["asked"]
    left += first.report["explored"]["flip"]
    assert second.report["there"] == left
    assert second.seed == first.seed + 1


def test_rows_that_the_reward_model_learned_from_are_left_out(project, monkeypatch) -> None:
    """It learned from all but what its snapshot held out."""
    Prompt.objects.update(split_bucket=50)
    new = [task.prompt_id for task in project.tasks.all() if number_of(task) in NEW]
    Prompt.objects.filter(pk__in=new).update(split_bucket=0)
    project.test_percent = 1
    project.save(update_fields=["test_percent"])
    snapshot = create_snapshot(project=project, actor=None)
    kind = judges.JudgeKind(
        "reward_model", LengthJudge, lambda project_id: {"scale": 10.0},
        learned_from=lambda config: frozenset({snapshot.pk}),
    )  # fmt: skip
    monkeypatch.setattr(judges, "_kinds", {"reward_model": kind})
    look = look_again(project, dry_run=True)
    assert look.state == JobState.DONE, look.message
    told = {name: look.report[name] for name in ("there", "learned", "read", "calibrated_on")}
    assert told == {"there": ALONE, "learned": ALONE - 20, "read": 20, "calibrated_on": 60}


def test_too_few_audited_labels_are_told_with_the_remedy(
    make_project, length_judge, people
) -> None:
    project = make_project(overlap=1, seed=3, test_percent=0)
    fill(project, people, audited=10, alone=5)
    look = look_again(project)
    assert look.state == JobState.FAILED
    assert "10 labels" in look.message
    assert "50 are needed" in look.message
    assert "audited tasks" in look.message
    assert not SecondLookItem.objects.exists()


def test_people_s_answers_tell_whether_the_look_holds(project, people) -> None:
    look = look_again(project, explore=0.5, labels=60)
    asked = look.items.asking_people().select_related("task__prompt")
    Judgement.objects.bulk_create(
        label(item.task, better(number_of(item.task)), annotator=people) for item in asked
    )
    found = {one.outcome: one for one in held(look)}
    for outcome in ("trust", "flip", "people"):
        one = found[outcome]
        assert one.asked == one.answered > 2
        assert one.low <= one.rate <= one.high
    assert found["trust"].rate < 0.15
    assert found["flip"].rate < 0.25
    assert found["people"].rate > found["trust"].rate


def test_no_reward_model_and_no_pairs_are_refused(make_project, monkeypatch, length_judge) -> None:
    length_judge.clear()
    with pytest.raises(InvalidValue, match=r"settings\.judge: no reward model is in service"):
        start_second_look(project=make_project(), actor=None, settings={})
    ranking = make_project(kind="ranking")
    with pytest.raises(InvalidValue, match="asks for no pairs"):
        start_second_look(project=ranking, actor=None, settings={})


def test_another_project_s_reward_model_is_refused(make_project, length_judge) -> None:
    other = current_judge(project=make_project())
    with pytest.raises(InvalidValue, match="no reward model of this project"):
        start_second_look(project=make_project(), actor=None, settings={"judge": other.pk})
