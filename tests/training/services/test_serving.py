"""Serving jobs: what is taken, how it is worked through, how it ends and is forgotten."""

from datetime import timedelta

import pytest
from django.utils import timezone

from annotate.kinds import InvalidValue
from annotate.models import JobState
from annotate.services import jobs
from training import folders, hosts, lifeline
from training.host import CannotAnswer, RowsFailed
from training.models import ModelVersion, ServingJob
from training.services import serving, serving_work
from training.services.serving import (
    KeyUsed,
    NotServed,
    TooMuch,
    answers_of,
    cancel_job,
    remove_expired,
    request_samples,
    request_scores,
)
from training.services.serving_rows import BadRows

pytestmark = pytest.mark.django_db(transaction=True)


class LengthHost:
    """In the place of a host: the score of a response is its length. `calls`: rows of each."""

    def __init__(self) -> None:
        self.calls: list[list[dict]] = []
        self.orders: list[dict] = []
        self.before = lambda rows: None

    def ask(self, order, rows, beat):
        self.before(rows)
        self.calls.append(rows)
        self.orders.append(order)
        return [{"scores": [float(len(text)) for text in row["responses"]]} for row in rows]


@pytest.fixture
def lengths(monkeypatch) -> LengthHost:
    host = LengthHost()
    monkeypatch.setattr(hosts, "host", lambda name: host)
    return host


@pytest.fixture
def version(make_project, make_version):
    return make_version(make_project(), "reward_model")


def ask(version, rows=None, **more) -> ServingJob:
    rows = rows or [{"prompt": "Q?", "responses": ["a", "bb"]}]
    return request_scores(version=version, actor=version.project.created_by, rows=rows, **more)


def many(count: int) -> list[dict]:
    return [{"prompt": f"Q {n}?", "response": "x" * (n + 1)} for n in range(count)]


def work(job: ServingJob) -> ServingJob:
    claimed = jobs.claim(ServingJob, job.pk, owner=jobs.owner_name())
    serving_work.serve(job=claimed)
    job.refresh_from_db()
    return job


def test_rows_come_back_in_their_order_with_their_names(version, lengths):
    rows = [{**row, "id": f"q{n}"} for n, row in enumerate(many(70))]
    job = work(ask(version, rows))
    assert (job.state, job.progress, job.total, job.error_count) == (JobState.DONE, 70, 70, 0)
    assert list(answers_of(job)) == [
        {"row": n, "id": f"q{n}", "scores": [n + 1.0]} for n in range(70)
    ]
    assert [len(rows) for rows in lengths.calls] == [32, 32, 6]
    assert lengths.orders[0]["model_dir"] == str(folders.model_folder(version.path))
    assert job.expires_at > timezone.now()


def test_a_bad_row_does_not_cost_the_others(version, lengths):
    bad = [
        "text",
        {"prompt": "Q?"},
        {"prompt": "Q?", "responses": ["a", 7]},
        {"prompt": [], "response": "a"},
        {"prompt": [{"role": "robot", "content": "x"}], "response": "a"},
        {"prompt": [{"role": "user", "content": None}], "response": "a"},
        {"prompt": "Q?", "response": "a", "responses": ["b"]},
        {"prompt": "Q?", "response": "a", "temperature": 1},
        {"prompt": "Q?", "response": "a", "annotator": "p-1"},
        {"prompt": "Q?", "response": "a", "criteria": "clear"},
        {"prompt": "Q?", "response": "a", "id": [1]},
        {"prompt": "Q?", "response": "a", "context": "Which is shorter?"},
        {"prompt": "Q?", "response": "a", "context": {}},
        {"prompt": "Q?", "response": "a", "context": {"criterion": "Short?", "words": []}},
        {"prompt": "Q?", "response": "a", "context": {"situation": 3}},
    ]
    job = ask(version, [*bad, *many(1)])
    assert job.error_count == len(bad)
    answers = list(answers_of(work(job)))
    fields = [answer["error"]["field"] for answer in answers[:-1]]
    assert fields == [
        "rows.0",
        "rows.1.responses",
        "rows.2.responses.1",
        "rows.3.prompt",
        "rows.4.prompt.0.role",
        "rows.5.prompt.0.content",
        "rows.6.responses",
        "rows.7.temperature",
        "rows.8.annotator",
        "rows.9.criteria",
        "rows.10.id",
        "rows.11.context",
        "rows.12.context.criterion",
        "rows.13.context.words",
        "rows.14.context.situation",
    ]
    assert answers[2]["error"] == {
        "field": "rows.2.responses.1",
        "value": "7",
        "message": "must be text, not a number",
    }
    assert answers[4]["error"]["value"] == '"robot"'
    assert answers[-1] == {"row": len(bad), "scores": [1.0]}
    assert [len(rows) for rows in lengths.calls] == [1]


def test_models_are_asked_under_a_context(version, make_version, lengths):
    row = {"prompt": "Q?", "context": {"criterion": "Which is shorter?"}}
    work(ask(version, [{**row, "responses": ["a", "bb"]}]))
    read = [{"role": "user", "content": "Q?\n\nWhich is shorter?"}]
    assert [one["prompt"] for one in lengths.calls[0]] == [read]
    policy = make_version(version.project, "policy")
    actor = version.project.created_by
    job = request_samples(version=policy, actor=actor, rows=[row], config={})
    assert [one["prompt"] for one in job.pieces.get().rows] == [read]


def test_no_good_row_is_no_job(version):
    with pytest.raises(BadRows, match="Row 0: must be an object") as caught:
        ask(version, [1, 2])
    assert [error["row"] for error in caught.value.errors] == [0, 1]
    assert not ServingJob.objects.exists()


@pytest.mark.parametrize("rows", [None, {}, [], "x", 5])
def test_rows_that_are_none_are_named(version, rows):
    with pytest.raises(InvalidValue, match="rows: must be a list"):
        request_scores(version=version, actor=version.project.created_by, rows=rows)


def test_requests_are_bounded(version, settings):
    settings.SERVING = {**settings.SERVING, "rows": 3, "chars": 50, "responses": 2}
    with pytest.raises(InvalidValue, match="has 4 rows; at most 3 fit"):
        ask(version, many(4))
    with pytest.raises(InvalidValue, match="hold 60 characters; at most 50"):
        ask(version, [{"prompt": "x" * 30, "response": "y" * 30}])
    with pytest.raises(BadRows, match="list of 1 to 2 texts"):
        ask(version, [{"prompt": "Q?", "responses": ["a", "b", "c"]}])


def test_a_token_may_ask_so_much_a_minute(version, settings, make_user):
    settings.SERVING = {**settings.SERVING, "requests_a_minute": 2, "rows_a_minute": 5}
    ask(version, many(2))
    with pytest.raises(TooMuch, match="4 more would be over 5") as caught:
        ask(version, many(4))
    assert 50 < caught.value.wait <= 60
    ask(version)
    with pytest.raises(TooMuch, match="2 requests within a minute"):
        ask(version)
    other = make_user("other")
    request_scores(version=version, actor=other, rows=many(1))
    ServingJob.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    ask(version)


def test_a_project_may_have_so_many_waiting(version, settings):
    settings.SERVING = {**settings.SERVING, "waiting": 1}
    cancel_job(job=ask(version))
    ask(version)
    with pytest.raises(TooMuch, match="1 jobs of this project wait"):
        ask(version)


def test_the_same_key_with_the_same_request_is_one_job(version):
    first = ask(version, many(2), idempotency_key="k")
    assert ask(version, many(2), idempotency_key="k") == first
    with pytest.raises(KeyUsed, match=f"serving job {first.pk}"):
        ask(version, many(3), idempotency_key="k")
    assert ServingJob.objects.count() == 1


def test_sent_again_after_a_promotion_it_is_still_one_job(version, make_version):
    """A program that asked whatever serves, and lost the answer."""
    first = ask(version, many(2), idempotency_key="k", in_service=True)
    ModelVersion.objects.update(state=ModelVersion.State.RETIRED)
    newer = make_version(version.project, "reward_model")
    assert ask(newer, many(2), idempotency_key="k", in_service=True) == first
    with pytest.raises(KeyUsed):
        ask(newer, many(2), idempotency_key="k")


def test_a_second_message_finds_nothing_to_do(version, lengths):
    job = ask(version)
    assert jobs.claim(ServingJob, job.pk, owner="somebody")
    assert jobs.claim(ServingJob, job.pk, owner="another") is None
    work_again = ServingJob.objects.get(pk=job.pk)
    work_again.owner = "another"
    serving_work.serve(job=work_again)  # its lease is not this owner's
    job.refresh_from_db()
    assert (job.state, job.owner) == (JobState.RUNNING, "somebody")
    assert not list(answers_of(job))


def test_a_silent_worker_s_job_goes_on_where_it_was(version, lengths):
    job = ask(version, many(70))

    def die(rows):
        if len(lengths.calls) == 1:
            raise KeyboardInterrupt  # as nothing foreseen would end it

    lengths.before = die
    with pytest.raises(KeyboardInterrupt):
        work(job)
    job.refresh_from_db()
    assert (job.state, job.progress) == (JobState.RUNNING, 32)
    ServingJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    lengths.before = lambda rows: None
    assert work(job).attempt == 2
    assert [len(rows) for rows in lengths.calls] == [32, 32, 6]
    assert [answer["row"] for answer in answers_of(job)] == list(range(70))


def test_cancelled_between_two_pieces_it_keeps_what_is_answered(version, lengths):
    job = ask(version, many(70))
    lengths.before = lambda rows: cancel_job(job=ServingJob.objects.get(pk=job.pk))
    assert work(job).state == JobState.CANCELLED
    assert len(list(answers_of(job))) == 32
    assert job.expires_at


def test_cancelled_in_the_queue_it_is_over_at_once(version):
    job = ask(version)
    cancel_job(job=job)
    assert job.state == JobState.CANCELLED
    assert job.expires_at


def test_a_worker_that_is_to_end_gives_it_back(version, lengths, monkeypatch):
    monkeypatch.setattr(lifeline, "is_cut", lambda: True)
    job = work(ask(version))
    assert (job.state, job.attempt) == (JobState.QUEUED, 0)


def test_a_long_job_lets_those_that_wait_go_first(version, lengths, monkeypatch):
    monkeypatch.setattr(serving_work, "SLICE", -1.0)
    job = ask(version, many(70))
    alone = work(job)
    assert alone.state == JobState.DONE
    first, _second = ask(version, many(70)), ask(version)
    assert work(first).state == JobState.QUEUED
    assert (first.attempt, first.message) == (0, "Others go first.")


def test_rows_that_bring_the_child_down_do_not_cost_the_others(version, lengths):
    job = ask(version, many(70))

    def fall(rows):
        if rows[0]["row"] == 32:
            raise RowsFailed("ended by SIGKILL")

    lengths.before = fall
    work(job)
    assert (job.state, job.error_count) == (JobState.DONE, 32)
    answers = list(answers_of(job))
    assert answers[32]["error"]["message"] == "ended by SIGKILL"
    assert answers[64] == {"row": 64, "scores": [65.0]}


def test_a_child_that_dies_of_everything_fails_the_job(version, lengths):
    def fall(rows):
        raise RowsFailed("ended by SIGKILL")

    lengths.before = fall
    job = work(ask(version, many(70)))
    assert (job.state, job.message) == (JobState.FAILED, "ended by SIGKILL")


def test_what_the_model_cannot_do_fails_the_job_with_its_reason(version, lengths):
    def refuse(rows):
        raise CannotAnswer("max_new_tokens is 900; it takes 128 in all")

    lengths.before = refuse
    job = work(ask(version))
    assert (job.state, job.message[:21]) == (JobState.FAILED, "max_new_tokens is 900")


def test_versions_without_files_or_of_the_other_kind_are_refused(version, make_version):
    folder = folders.model_folder(version.path)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(NotServed, match="files of Reward model v1 are gone"):
        ask(version)
    policy = make_version(version.project, "policy")
    with pytest.raises(InvalidValue, match="Policy v1 cannot score rows"):
        ask(policy)
    with pytest.raises(InvalidValue, match="cannot answer prompts"):
        request_samples(version=version, actor=version.project.created_by, rows=[], config={})


def test_answers_expire_and_jobs_much_later(version, lengths, settings):
    job = work(ask(version))
    assert remove_expired() == 0
    a_day_ago = timezone.now() - timedelta(hours=24, seconds=1)
    ServingJob.objects.update(finished_at=a_day_ago, expires_at=a_day_ago + timedelta(hours=24))
    assert remove_expired() == 1
    assert not job.pieces.exists()
    assert remove_expired() == 0
    assert ServingJob.objects.exists()
    ServingJob.objects.update(finished_at=timezone.now() - serving.JOBS_STAY * 2)
    remove_expired()
    assert not ServingJob.objects.exists()


def test_what_ended_without_a_worker_expires_too(version, lengths):
    job = ask(version)
    jobs.request_cancel(job)
    remove_expired()
    job.refresh_from_db()
    assert job.expires_at > timezone.now()


def test_a_job_that_nobody_takes_fails_and_says_why(version):
    job = ask(version)
    ServingJob.objects.update(created_at=timezone.now() - timedelta(hours=25))
    remove_expired()
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "No serving worker took it for 24 hours" in job.message


def test_a_person_is_asked_by_pseudonym(version, lengths):
    version.metrics = {"objective": "personal"}
    version.save()
    rows = [{"prompt": "Q?", "response": "a", "annotator": name} for name in ("p-2", "p-9")]
    with pytest.raises(BadRows, match="no list of people was kept"):
        ask(version, rows)
    work_folder = folders.run_folder(version.run_id) / "work"
    work_folder.mkdir(parents=True)
    (work_folder / "people.json").write_text('["p-1", "p-2"]')
    answers = list(answers_of(work(ask(version, rows))))
    assert lengths.calls[0][0]["person"] == 1
    assert "not among the 2 people" in answers[1]["error"]["message"]
