"""Judgements and tasks that are done, told by a worker."""

import json

import pytest

from annotate.handout import lease_seat
from annotate.models import Delivery, Judge, Judgement, OverlapDue, UntoldJudgement, WebhookEvent
from annotate.services.people.standing import set_rules
from annotate.services.review.norming import start_session
from annotate.services.webhooks.answers import announce_answers
from annotate.services.webhooks.receivers import create_webhook
from annotate.services.work import returned
from annotate.services.work.judgements import revise_judgement, submit_judgement
from tests.annotate.services.sending import send

pytestmark = pytest.mark.django_db
BOTH = ["judgement.created", "task.done"]


@pytest.fixture
def listening(make_project):
    """listening(**fields) -> a project with a webhook for judgements and tasks."""

    def make(events=BOTH, **fields):
        project = make_project(**fields)
        create_webhook(
            project=project,
            url="https://example.com/",
            events=events,
            actor=project.created_by,
        )
        return project

    return make


def answer(project, user, value=None) -> Judgement:
    lease = lease_seat(project=project, user=user)
    done = submit_judgement(
        seat_id=lease.seat_id,
        user=user,
        value=value or {"verdict": "tie"},
        idempotency_key=f"{user.pk} {lease.seat_id}",
    )
    return Judgement.objects.get(pk=done.judgement.pk)


def told() -> list[dict]:
    rows = WebhookEvent.objects.order_by("pk").values_list("body", flat=True)
    return [json.loads(body) for body in rows]


def test_each_judgement_is_told_and_the_task_when_it_is_done(
    listening, make_pair_tasks, add_member, make_user
):
    project = listening(overlap=2)
    [task] = make_pair_tasks(project, 1)
    zyta, otto = (make_user(name, email=f"{name}@example.com") for name in ("zyta", "otto"))
    for user in (zyta, otto):
        add_member(project, user)
    first = answer(project, zyta)
    assert announce_answers() == 1
    assert [one["type"] for one in told()] == ["judgement.created"]
    answer(project, otto)
    assert announce_answers() == 1
    assert announce_answers() == 0
    events = told()
    assert [one["type"] for one in events] == [*BOTH[:1], *BOTH]
    assert events[0]["data"] == {
        "judgement": first.pk,
        "task": task.pk,
        "prompt": task.prompt.external_id,
        "kind": "pairwise",
        "schema_version": first.schema_version,
        "value": {"verdict": "tie"},
        "source": "person",
        "simulated": False,
        "annotator": zyta.pseudonym,
        "judge": None,
        "seconds_active": first.seconds_active,
        "submitted_at": first.submitted_at.isoformat(),
        "supersedes": None,
        "late": False,
        "norming": None,
    }
    assert events[2]["data"]["judgements"] == {"people": 2, "judges": 0}
    assert Delivery.objects.count() == 3
    text = json.dumps(events)
    for user in (zyta, otto, project.created_by):
        assert user.username not in text
        assert f"{user.username}@" not in text


def test_without_a_webhook_nothing_is_kept(make_project, make_pair_tasks, add_member, make_user):
    project = make_project()
    make_pair_tasks(project, 1)
    ada = make_user("ada")
    add_member(project, ada)
    answer(project, ada)
    assert not UntoldJudgement.objects.exists()


def test_others_events_are_no_answers(listening, make_pair_tasks, add_member, make_user):
    project = listening(events=["task.done"])
    make_pair_tasks(project, 1)
    ada = make_user("ada")
    add_member(project, ada)
    answer(project, ada)
    announce_answers()
    assert [one["type"] for one in told()] == ["task.done"]


def test_files_and_known_answers_are_not_told_judges_are(listening, make_pair_tasks, make_user):
    project = listening()
    [task] = make_pair_tasks(project, 1, route="ai")
    judge = Judge.objects.create(project=project, name="Rules", version=2, kind="rules")
    given = {"project": project, "task": task, "kind": "pairwise", "value": {"verdict": "tie"}}
    Judgement.objects.create(source="imported", imported_author="x", **given)
    Judgement.objects.create(source="person", annotator=make_user("ada"), is_gold=True, **given)
    Judgement.objects.create(source="judge", judge=judge, **given)
    assert announce_answers() == 1
    first, second = told()
    assert first["data"]["judge"] == {"name": "Rules", "version": 2}
    assert first["data"]["annotator"] is None
    assert second["data"]["judgements"] == {"people": 0, "judges": 1}


def test_a_task_whose_seats_are_to_follow_its_answer_waits(
    listening, make_pair_tasks, add_member, make_user
):
    project = listening(overlap=1, overlap_most=3)
    [task] = make_pair_tasks(project, 1)
    ada = make_user("ada")
    add_member(project, ada)
    answer(project, ada)
    OverlapDue.objects.create(task=task)
    assert announce_answers() == 0
    assert UntoldJudgement.objects.count() == 1
    OverlapDue.objects.all().delete()
    assert announce_answers() == 1


def test_many_are_told_round_by_round(listening, make_pair_tasks, make_user):
    """Several rounds of work: none is skipped, none told twice."""
    from annotate.services.webhooks import answers

    project = listening()
    tasks = make_pair_tasks(project, 5)
    ada = make_user("ada")
    for task in tasks:
        Judgement.objects.create(
            project=project,
            task=task,
            kind="pairwise",
            value={"verdict": "tie"},
            source="person",
            annotator=ada,
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "AT_ONCE", 2)
        assert announce_answers(limit=3) == 4
        assert announce_answers() == 1
    keys = WebhookEvent.objects.filter(type="judgement.created").values_list("key", flat=True)
    assert len(set(keys)) == 5


def test_norming_answers_say_so_and_finish_no_task(
    listening, make_pair_tasks, add_member, make_user
):
    project = listening()
    ada, bob = make_user("ada"), make_user("bob")
    for user in (ada, bob):
        add_member(project, user)
    [task] = make_pair_tasks(project, 1)
    session = start_session(
        project=project,
        actor=project.created_by,
        name="First",
        tasks=[task.pk],
        people=[ada.pk, bob.pk],
    )
    seat_id = returned.waiting(project_id=project.pk, user=ada).seat
    given = submit_judgement(seat_id=seat_id, user=ada, value={"verdict": "tie"}).judgement
    revise_judgement(judgement_id=given.pk, user=ada, value={"verdict": "both_bad"})
    assert announce_answers() == 2
    first, second = told()
    assert (first["type"], first["data"]["norming"]) == ("judgement.created", session.pk)
    assert (second["data"]["supersedes"], second["data"]["norming"]) == (given.pk, session.pk)


def test_nothing_that_is_told_gives_known_answers_away(listening, add_member, make_user):
    """One hidden item among four tasks of one file, worked off; its answer revised."""
    rows = [
        {"id": f"q{n}", "prompt": f"{n} + 1?", "responses": [f"{n + 1}", f"{n + 2}"]}
        for n in range(4)
    ]
    known = [*rows[:3], {**rows[3], "gold": 0}]
    told_of_files = []
    for file in (rows, known):
        project = listening(events=[*BOTH, "import.ended"])
        send(project, file, format="responses")
        told_of_files.append(told()[-1]["data"])
    assert told_of_files[0] == told_of_files[1]
    assert "gold" not in told_of_files[1]
    set_rules(project=project, actor=project.created_by, gold_percent=50)
    ada = make_user("ada")
    add_member(project, ada)
    answered = [answer(project, ada) for _ in range(4)]
    [check] = [one for one in answered if one.is_gold]
    revise_judgement(judgement_id=check.pk, user=ada, value={"verdict": "both_bad"})
    announce_answers()
    events = [one for one in told() if one["project"] == project.pk][1:]
    assert [one["type"] for one in events] == ["judgement.created"] * 3 + ["task.done"] * 3
    assert {one["data"]["prompt"] for one in events} == {"q0", "q1", "q2"}
    assert "gold" not in json.dumps(events)
