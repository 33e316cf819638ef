"""Matchmaking where reward models are warm: the one in hand reads the responses."""

import pytest

from annotate.models import JobState, Project, Task
from annotate.services import jobs
from tests.training.loop_driver import begin, finish_job
from training import hosts, lifeline
from training.host import CannotAnswer
from training.models import MatchedPair, Matchmaking
from training.services import running
from training.services.advance import advance_loops
from training.services.loops import open_round

pytestmark = pytest.mark.django_db


class Reader:
    """Scores a response by its length; refuses the rows that it is told to."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.read: dict[int, str] = {}
        self.refuses = 0
        self.error: Exception | None = None

    def ask(self, order, rows, beat):
        beat()
        if self.error is not None:
            raise self.error
        self.asked.append(len(rows))
        self.read |= {row["id"]: row["prompt"][-1]["content"] for row in rows}
        refused = [{"error": {"field": "", "message": "too long"}}] * self.refuses
        self.refuses = 0
        read = [{"scores": [float(len(text)) for text in row["responses"]]} for row in rows]
        return [*refused, *read[len(refused) :]]


@pytest.fixture
def reader(monkeypatch) -> Reader:
    made = Reader()
    monkeypatch.setattr(hosts, "serves_here", lambda: True)
    monkeypatch.setattr(hosts, "host", lambda name: made)
    monkeypatch.setattr(running, "Child", None)  # nobody starts one
    return made


@pytest.fixture
def queued(judged_project, var_dir) -> Matchmaking:
    """The matchmaking of a loop's first round, over twelve prompts."""
    loop = begin(judged_project(12), sampling={"prompts": 12, "max_new_tokens": 8})
    for _ in range(3):
        advance_loops()
        finish_job(loop)
    advance_loops()
    return open_round(loop).matchmaking


def match(queued: Matchmaking) -> Matchmaking:
    running.match(run=jobs.claim(Matchmaking, queued.pk, owner="me"))
    queued.refresh_from_db()
    return queued


def test_the_warm_model_reads_some_prompts_at_a_time(queued, reader):
    run = match(queued)
    assert (run.state, run.metrics["scored"]) == (JobState.DONE, 12)
    assert reader.asked == [8, 4]
    assert run.device_seconds > 0
    for pair in MatchedPair.objects.select_related("new", "other"):
        assert pair.gap == len(pair.new.text) - len(pair.other.text)


def test_a_prompt_that_it_cannot_read_is_drawn_without_scores(queued, reader):
    reader.refuses = 2
    run = match(queued)
    assert (run.state, run.metrics["scored"]) == (JobState.DONE, 10)
    assert MatchedPair.objects.filter(gap=None).count() == 2


def test_a_model_that_cannot_answer_fails_it_with_its_words(queued, reader):
    reader.error = CannotAnswer("The files of this version are no longer there.")
    run = match(queued)
    assert (run.state, "no longer there" in run.message) == (JobState.FAILED, True)


def test_a_worker_that_is_to_end_gives_it_back(queued, reader, monkeypatch):
    monkeypatch.setattr(lifeline, "is_cut", lambda: True)
    reader.error = CannotAnswer("The serving worker shuts down.")
    run = match(queued)
    assert (run.state, run.attempt) == (JobState.QUEUED, 0)


def test_under_a_context_the_model_reads_it_and_pairs_are_asked_under_it(queued, reader):
    project = queued.project
    Project.objects.filter(pk=project.pk).update(kind="context")
    tasks = list(project.tasks.filter(created_at__lt=queued.sampling_run.created_at))
    for task in tasks[:5]:
        Task.objects.filter(pk=task.pk).update(context={"criterion": "Which is shorter?"})
    asked = {task.prompt_id for task in tasks[:5]}
    queued = match(Matchmaking.objects.get(pk=queued.pk))
    assert queued.state == JobState.DONE
    assert set(reader.read) == asked
    assert all(text.endswith("\n\nWhich is shorter?") for text in reader.read.values())
    advance_loops()
    advance_loops()
    made = [pair.task for pair in MatchedPair.objects.filter(matchmaking=queued)]
    assert {task.prompt_id for task in made} == asked
    assert {task.context["criterion"] for task in made} == {"Which is shorter?"}
