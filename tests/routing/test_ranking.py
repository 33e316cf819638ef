"""A strategy ranks the open tasks of a project, and people get them in that order."""

import threading

import numpy as np
import pytest
from celery import current_app

from annotate.handout import lease_seat
from annotate.inputs import InvalidValue
from annotate.models import AuditEvent, JobState, Judge, Seat, Task, TaskPlace
from annotate.services import jobs
from annotate.services.work.judgements import submit_judgement
from routing import judges as judge_kinds
from routing.models import Decision, JudgeCall, Selection, SelectionRun
from routing.selection.doubt import uncertainty
from routing.services import ranking
from routing.services.policies import current_judge, save_policy
from routing.services.ranking import run_ranking
from routing.services.selections import choose_strategy, start_ranking, why_due
from routing.words.reasons import in_english
from tests.annotate.handout.test_together import run_all
from tests.routing.length_judge import LengthJudge
from tests.routing.planted import rows, take_in
from tests.routing.test_fitted_policies import fit

pytestmark = pytest.mark.django_db


def pairs(count: int, *, start: int = 0, generators: str = "ab") -> list[dict]:
    """The second response of row n is n characters longer than the first."""
    return [
        {
            "id": f"pair{number}",
            "prompt": f"Tell me something, number {number}.",
            "responses": [
                {"text": f"Words {number:03}.", "model": generators[0]},
                {"text": f"Other {number:03}." + "x" * number, "model": generators[1]},
            ],
        }
        for number in range(start, start + count)
    ]


@pytest.fixture
def project(make_project, length_judge):
    """Twelve open pairs; the length judge is the surer the later they came."""
    project = make_project(overlap=1, seed=3, test_percent=0)
    take_in(project, pairs(12, start=1))
    return project


def rank(project, strategy: str = "uncertainty", **settings) -> SelectionRun:
    choose_strategy(project=project, actor=project.created_by, strategy=strategy, settings=settings)
    return work(SelectionRun.objects.latest("pk"))


def work(run: SelectionRun) -> SelectionRun:
    run = jobs.claim(SelectionRun, run.pk, owner="test")
    run_ranking(run=run)
    run.refresh_from_db()
    return run


def ids(project) -> list[int]:
    return list(Task.objects.filter(project=project).order_by("pk").values_list("pk", flat=True))


def ranked(project) -> list[int]:
    places = TaskPlace.objects.filter(project=project).order_by("place")
    return list(places.values_list("task_id", flat=True))


def handed_out(project, user) -> list[int]:
    found = []
    while lease := lease_seat(project=project, user=user):
        found.append(lease.task_id)
        submit_judgement(seat_id=lease.seat_id, user=user, value={"verdict": "tie"})
    return found


def test_people_get_what_the_judge_is_least_sure_of(project) -> None:
    run = rank(project)
    assert (run.state, run.judge) == (JobState.DONE, current_judge(project=project))
    assert ranked(project) == ids(project)
    first = TaskPlace.objects.get(place=0)
    assert first.score == pytest.approx(uncertainty(1 / (1 + np.exp(0.1))))
    assert in_english(first.reasons) == [f"{run.judge} is 52 % sure"]
    assert run.report == {
        **{"open": 12, "pool": 12, "ranked": 12, "by_chance": 0, "seats": 12, "missing": []},
        **{"told": [], "basis": [run.judge.pk]},
        "newest_task": ids(project)[-1],
        "newest_judgement": 0,
    }
    assert AuditEvent.objects.filter(action="routing.strategy_chosen").count() == 1


def test_the_order_is_the_strategys_and_then_the_projects(project) -> None:
    take_in(project, pairs(1, start=0))  # equal lengths: the judge is not sure at all
    run = rank(project, most=4)
    assert (run.report["open"], run.report["ranked"]) == (13, 4)
    there = ids(project)
    wanted = [there[-1], *there[:3]]
    assert ranked(project) == wanted
    assert handed_out(project, project.created_by) == wanted + there[3:-1]


def test_again_it_changes_nothing_and_reads_nothing_again(project) -> None:
    rank(project)
    calls = JudgeCall.objects.count()
    again = work(start_ranking(project=project, actor=None))
    assert (again.report["seats"], JudgeCall.objects.count()) == (0, calls)


def test_the_way_back(project) -> None:
    before = list(Seat.objects.order_by("pk").values())
    rank(project, "random")
    assert ranked(project) != ids(project)
    choose_strategy(project=project, actor=project.created_by, strategy="in_order", settings={})
    assert list(Seat.objects.order_by("pk").values()) == before
    assert start_ranking(project=project, actor=None) is None
    assert not SelectionRun.objects.exclude(state=JobState.DONE).exists()


def test_without_a_reward_model_it_says_so_and_leaves_the_order(make_project, length_judge) -> None:
    project = make_project(test_percent=0)
    take_in(project, pairs(5))
    rank(project, "random")
    before = ranked(project)
    length_judge.clear()
    run = rank(project)
    assert run.state == JobState.FAILED
    assert "Train a reward model" in run.message
    assert ranked(project) == before


def test_a_priced_judge_is_asked_nothing(project) -> None:

    class Dear(LengthJudge):
        def __init__(self, config, desk) -> None:
            super().__init__(config)
            self.desk = desk

        def compare(self, items, should_stop):
            assert not self.desk.may_call
            yield from ()

    kind = judge_kinds.JudgeKind("dear", Dear, calls=True, priced=True)
    judge_kinds._kinds["dear"] = kind
    judge = Judge.objects.create(
        project=project, name="dear", version=1, kind="dear", config={"scale": 10.0}
    )
    rank(project, "random")
    before = ranked(project)
    assert before
    run = rank(project, judge=judge.pk)
    assert run.state == JobState.FAILED
    assert run.message == (
        f"12 of 12 open tasks have no answer of {judge} on record, or it abstained; let it read "
        "them."
    )
    assert ranked(project) == before


def test_judges_that_contradict_each_other_come_first(project) -> None:
    """One judge is the surer the longer the second, the other likes the first of the odd ones."""

    class Contrary(LengthJudge):
        def compare(self, items, should_stop):
            for item in items:
                longer = len(item.response_texts[1]) - len(item.response_texts[0])
                p_first = 0.95 if longer == 12 else 0.5 if longer == 11 else 0.05
                yield judge_kinds.Verdict(item.task_id, p_first)

    judge_kinds._kinds["contrary"] = judge_kinds.JudgeKind("contrary", Contrary)
    current_judge(project=project)
    with_one = rank(project, "disagreement")
    assert with_one.state == JobState.FAILED
    assert "there are 1" in with_one.message
    Judge.objects.create(
        project=project, name="contrary", version=1, kind="contrary", config={"scale": 1.0}
    )
    assert rank(project, "disagreement").state == JobState.DONE
    assert ranked(project)[0] == ids(project)[-1]
    reasons = TaskPlace.objects.get(place=0).reasons
    assert in_english(reasons) == [
        "contrary v1: first better with 95 %",
        "reward_model v1: with 23 %",
    ]


def test_the_widest_regret_comes_first_with_its_widest_pair(make_project, monkeypatch) -> None:
    class Rewards(LengthJudge):
        def compare(self, items, should_stop):
            for item in items:
                scores = [float(text.split()[-1]) for text in item.response_texts]
                p = 1 / (1 + np.exp(scores[1] - scores[0]))
                yield judge_kinds.Verdict(item.task_id, float(p), {"scores": scores})

    kind = judge_kinds.JudgeKind("reward_model", Rewards, lambda project_id: {"scale": 1.0})
    monkeypatch.setattr(judge_kinds, "_kinds", {"reward_model": kind})
    project = make_project(test_percent=0)
    given = [
        {"id": name, "prompt": f"{name}?", "responses": [f"reward {one}" for one in rewards]}
        for name, rewards in (("flat", [1, 2]), ("wide", [0, 9]), ("middle", [5, 2]))
    ]
    take_in(project, given)
    assert rank(project, "regret").state == JobState.DONE
    there = ids(project)
    assert ranked(project) == [there[1], there[2], there[0]]
    assert list(TaskPlace.objects.order_by("place").values_list("score", flat=True)) == [9, 3, 1]


def test_regret_needs_rewards(project) -> None:
    run = rank(project, "regret")
    assert run.state == JobState.FAILED
    assert "gives no rewards" in run.message


def test_diversity_keeps_away_from_what_is_labelled(make_project, length_judge) -> None:
    project = make_project(overlap=1, seed=3, test_percent=0)
    take_in(project, [row for row in rows(40, votes=2) if "poem" in row["prompt"]])
    take_in(project, rows(20, votes=0, start=1000))
    run = rank(project, "diversity", most=4, pool=20)
    assert (run.state, run.report["ranked"]) == (JobState.DONE, 4)
    first = Task.objects.get(pk=ranked(project)[0])
    assert "sum" in first.prompt.last_turn
    assert "of what is labelled)" in in_english(TaskPlace.objects.get(place=0).reasons)[0]


def test_expected_gain_is_that_of_a_fitted_policy(make_project, length_judge) -> None:
    """The judge is wrong on every poem and right on every sum."""
    project = make_project(overlap=1, seed=3, test_percent=30)
    take_in(project, rows(160, votes=3))
    take_in(project, rows(40, votes=0, start=1000))
    unfitted = rank(project, "expected_gain")
    assert unfitted.state == JobState.FAILED
    assert "Fit one" in unfitted.message
    assert fit(project, share=0.5).policy is not None
    run = rank(project, "expected_gain")
    assert run.state == JobState.DONE, run.message
    places = TaskPlace.objects.filter(score__isnull=False).select_related("task__prompt")
    kinds = ["poem" in one.task.prompt.last_turn for one in places.order_by("place")]
    assert kinds == sorted(kinds, reverse=True)
    assert 0 < sum(kinds) < len(kinds)
    assert not run.report["missing"]


def test_where_no_label_gains_anything_the_ranking_says_so(make_project, length_judge) -> None:
    """The judge is right on every sum."""
    project = make_project(overlap=1, seed=3, test_percent=30)
    take_in(project, rows(320, votes=3)[1::2])
    take_in(project, rows(20, votes=0, start=1000)[1::2])
    assert fit(project, share=0.5).policy is not None
    run = rank(project, "expected_gain")
    assert run.report["missing"] == [
        "Routing policy v1 expects no label of a person to be better than the judge’s here, so the "
        "order says little."
    ]


def test_generators_duel(make_project, length_judge) -> None:
    """a beat b nine times, c and d never met anybody: a meets the unknown ones before b."""
    project = make_project(test_percent=0)
    won = [{**row, "label": 0} for row in pairs(9, start=100)]
    take_in(project, won)
    take_in(project, [row for n, g in enumerate(("ab", "ac", "bd", "cd", "aa"))
                      for row in pairs(2, start=10 * n, generators=g)])  # fmt: skip
    run = rank(project, "dueling")
    assert run.state == JobState.DONE, run.message
    assert run.report["missing"] == [
        "2 of 10 open tasks have not two responses of two generators that are named."
    ]
    found = [
        "".join(sorted(Task.objects.get(pk=pk).responses.values_list("generator", flat=True)))
        for pk in ranked(project)
    ]
    assert found[:2] == ["ac", "ac"]
    assert sorted(found) == ["ab", "ab", "ac", "ac", "bd", "bd", "cd", "cd"]
    assert TaskPlace.objects.get(place=0).reasons[0][:2] == ["best", "a"]


def test_duels_need_generators(make_project) -> None:
    project = make_project(test_percent=0)
    take_in(project, rows(4, votes=0))
    run = rank(project, "dueling")
    assert run.state == JobState.FAILED
    assert "which generators" in run.message


def test_what_is_measured_on_is_drawn_by_chance(make_project, length_judge) -> None:
    """Held-out prompts and explored tasks stand between the chosen in their share."""
    project = make_project(overlap=1, seed=3, test_percent=30)
    take_in(project, pairs(60, start=1))
    policy = save_policy(project=project, actor=None, threshold=0.9)
    explored = Task.objects.filter(prompt__split_bucket__gte=30).last()
    Decision.objects.create(
        task=explored, policy=policy, score=0.9, route="both", explored=True, propensity=0.1
    )
    held_out = set(Task.objects.filter(prompt__split_bucket__lt=30).values_list("pk", flat=True))
    run = rank(project)
    drawn = set(TaskPlace.objects.filter(score=None).values_list("task_id", flat=True))
    assert drawn == held_out | {explored.pk}
    assert run.report["by_chance"] == len(drawn) >= 10
    half = TaskPlace.objects.filter(place__lt=30, score=None).count()
    assert abs(half - len(drawn) / 2) <= 1
    chosen = TaskPlace.objects.exclude(score=None).order_by("place").values_list("task", flat=True)
    assert list(chosen) == sorted(chosen)


def test_a_ranking_that_was_overtaken_by_another_choice_changes_nothing(project) -> None:
    choose_strategy(project=project, actor=None, strategy="random", settings={})
    run = jobs.claim(SelectionRun, SelectionRun.objects.latest("pk").pk, owner="test")
    SelectionRun.objects.update(cancel_requested=False)
    Selection.objects.update(strategy="in_order")
    run_ranking(run=run)
    run.refresh_from_db()
    assert run.state == JobState.CANCELLED
    assert not TaskPlace.objects.exists()


def test_a_cancelled_ranking_leaves_the_order(project) -> None:
    choose_strategy(project=project, actor=None, strategy="uncertainty", settings={})
    run = jobs.claim(SelectionRun, SelectionRun.objects.latest("pk").pk, owner="test")
    jobs.request_cancel(run)
    run_ranking(run=run)
    run.refresh_from_db()
    assert (run.state, run.message) == (JobState.CANCELLED, "")
    assert not TaskPlace.objects.exists()
    assert why_due(project.selection) == ""  # nobody asked for another one


@pytest.mark.django_db(transaction=True)
def test_annotators_work_while_it_is_ranked(project, add_member, make_user) -> None:
    take_in(project, pairs(60, start=100))
    users = [make_user(f"ann{number}") for number in range(4)]
    for user in users:
        add_member(project, user)
    got: list[int] = []

    def person(user) -> None:
        while lease := lease_seat(project=project, user=user):
            got.append(lease.task_id)
            submit_judgement(seat_id=lease.seat_id, user=user, value={"verdict": "tie"})

    def manager() -> None:
        for strategy in ("uncertainty", "random", "uncertainty"):
            assert rank(project, strategy).state == JobState.DONE

    run_all([manager, *(lambda user=user: person(user) for user in users)])
    assert threading.active_count() < 20
    assert sorted(got) == ids(project)
    assert set(Seat.objects.values_list("state", flat=True)) == {"done"}


@pytest.mark.parametrize(
    ("strategy", "given", "field"),
    [
        ("best", {}, "strategy"),
        (3, {}, "strategy"),
        ("random", [], "settings"),
        ("random", {"msot": 1}, "settings.msot"),
        ("random", {"most": 0}, "settings.most"),
        ("random", {"most": 200_000}, "settings.most"),
        ("random", {"most": 100, "pool": 99}, "settings.pool"),
        ("random", {"every_hours": 0}, "settings.every_hours"),
        ("random", {"judge": "3"}, "settings.judge"),
        ("random", {"judge": 99999}, "settings.judge"),
    ],
)
def test_wrong_settings_are_told_by_field(make_project, strategy, given, field) -> None:
    with pytest.raises(InvalidValue) as told:
        choose_strategy(project=make_project(), actor=None, strategy=strategy, settings=given)
    assert told.value.field == field
    assert not Selection.objects.exists()


def test_the_pool_is_drawn_and_stays(project) -> None:
    some, there = ranking.open_tasks(project, 5)
    assert (len(some), there) == (5, 12)
    assert ranking.open_tasks(project, 5)[0] == some
    assert set(ranking.open_tasks(project, 8)[0]) > set(some)


def test_a_worker_gets_it_by_its_task(project) -> None:
    """As Celery calls it: by the name and the id that the message carries."""
    choose_strategy(project=project, actor=None, strategy="uncertainty", settings={})
    run = SelectionRun.objects.latest("pk")
    current_app.tasks[run.task_name](run.pk)
    run.refresh_from_db()
    assert (run.state, len(ranked(project))) == (JobState.DONE, 12)
    assert current_app.tasks["routing.tasks.rank_due_tasks"]() == 0
