"""Principles of people's choices: found, tested on what is held out, paid once, told."""

import hashlib
from decimal import Decimal

import pytest
from django.urls import reverse

from annotate.inputs import InvalidValue
from annotate.models import Judgement, Prompt
from annotate.services import jobs
from annotate.templatetags.reading import percent
from routing.judges.openai import most_tokens
from routing.judges.principles import MAX_TEXT, MOST_TESTED, vote_errands
from routing.models import JudgeAccount, JudgeCall, JudgeRun
from routing.services import judge_watch, principle_runs
from routing.services.call_ends import price
from routing.services.choices import draw_choices
from routing.services.judge_runs import run_judge, start_judging
from routing.services.judges import set_limits
from routing.services.judging import questions
from routing.services.ledger import account_of
from routing.services.principle_runs import outlook
from tests.routing.judges.principle_scripts import SCRIPTS, SOURCE, rows
from tests.routing.planted import take_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, judge_server):
    judge_server.scripts.update(SCRIPTS)
    project = make_project(overlap=1, seed=3)
    take_in(project, rows(120))
    return project


def explain(judge, **options) -> JudgeRun:
    run = start_judging(judge=judge, actor=None, purpose="explain", **options)
    return go_on(run)


def go_on(run: JudgeRun) -> JudgeRun:
    run_judge(run=jobs.claim(JudgeRun, run.pk, owner="test"))
    run.refresh_from_db()
    return run


def test_a_planted_principle_is_found_and_foretells_what_is_held_out(
    project, make_judge, judge_server
) -> None:
    """Sources decide four choices of five; the length none; politeness stands for the place."""
    run = explain(make_judge(project, "explains"))
    assert (run.state, run.failed, run.message) == ("done", 0, "")
    assert run.labelled == run.total == run.progress == len(judge_server.requests)
    report = run.report
    sizes = report["choices"]
    assert report["gathered_by"] == "judge"
    first, *others = report["principles"]
    assert first["text"] == "Prefer the response that cites a source."
    assert first["listed"]

    # Counted here from the rows themselves: whose prompt is held out, and what was chosen there.
    held_out = {
        prompt.pk: prompt for prompt in Prompt.objects.filter(project=project, split_bucket__lt=50)
    }
    drawn = draw_choices(project, 100)
    assert {one.prompt for one in drawn.held_out} <= set(held_out)
    assert not {one.prompt for one in drawn.training} & set(held_out)
    assert sizes == {"training": len(drawn.training), "held_out": len(drawn.held_out)}
    texts = {
        judgement.task_id: judgement.task.responses.get(pk=judgement.value["preferred"]).text
        for judgement in Judgement.objects.all()
    }
    right = sum(SOURCE in texts[one.task] for one in drawn.held_out)
    assert first["held_out"]["count"] == len(drawn.held_out)
    assert first["held_out"]["share"] == right / len(drawn.held_out)
    assert report["list"]["share"] == right / len(drawn.held_out)
    assert first["q"] < 0.001
    [polite] = [one for one in others if "polite" in one["text"]]
    assert polite["held_out"]["count"] == 0  # A in both orders is no vote
    length, place = report["baselines"]
    assert length["difference"][1] > 0
    assert length["right"]["share"] < 0.65
    assert abs(place["right"]["share"] - 0.5) < 0.2
    for task in first["examples"]["wrong"]:
        assert SOURCE not in texts[task]


def test_nothing_is_asked_twice(project, make_judge, judge_server) -> None:
    """A second run, and one of more choices: their tasks and answers are on record."""
    judge = make_judge(project, "explains")
    first = explain(judge, most_tasks=40)
    asked = len(judge_server.requests)
    assert asked == 20 + 1 + 2 * 40
    again = explain(judge, most_tasks=40)
    assert again.report == first.report
    assert len(judge_server.requests) == asked
    more = explain(judge, most_tasks=60)
    assert more.report["choices"] == {"training": 30, "held_out": 30}
    proposals = JudgeCall.objects.filter(template="principles proposed/1")
    assert proposals.count() == 30


def test_a_run_shares_the_worker_and_goes_on_where_it_was(
    project, make_judge, judge_server, monkeypatch
) -> None:
    """Also when its worker is killed: the choices stay, whatever people do meanwhile."""
    monkeypatch.setattr(judge_watch, "SLICE", 0.0)
    judge = make_judge(project, "explains", limits={"concurrency": 4})
    run = start_judging(judge=judge, actor=None, purpose="explain", most_tasks=20)
    go_on(run)
    assert run.state == "queued"
    assert 0 < len(judge_server.requests) < 51
    take_in(project, rows(40, start=120))
    claimed = jobs.claim(JudgeRun, run.pk, owner="killed")
    assert claimed.report["drawn"]["training"]
    jobs.release(claimed, excused=True, message="")
    monkeypatch.setattr(judge_watch, "SLICE", 120.0)
    go_on(run)
    assert run.state == "done"
    assert len(judge_server.requests) == 51
    assert (run.labelled, run.progress, run.total) == (51, 51, 51)


def test_it_can_be_cancelled(project, make_judge, judge_server, monkeypatch) -> None:
    monkeypatch.setattr(judge_watch, "BEAT", -1.0)
    judge = make_judge(project, "explains", limits={"concurrency": 1})
    run = start_judging(judge=judge, actor=None, purpose="explain", most_tasks=40)
    claimed = jobs.claim(JudgeRun, run.pk, owner="test")

    really = principle_runs.run_errands

    def and_cancel(*given):
        for number, one in enumerate(really(*given)):
            yield one
            if number == 4:
                jobs.request_cancel(claimed)

    monkeypatch.setattr(principle_runs, "run_errands", and_cancel)
    run_judge(run=claimed)
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert 5 <= len(judge_server.requests) < 101
    assert not JudgeCall.objects.filter(state="asked").exists()


def test_what_it_costs_is_told_before_and_never_passed(project, make_judge, judge_server) -> None:
    judge = make_judge(project, "explains", max_tokens=100)
    told = outlook(judge, 40)
    assert (told.training, told.held_out, told.calls, told.is_enough) == (20, 20, 101, True)
    assert not judge_server.requests
    explain(judge, most_tasks=40)
    spent = JudgeAccount.objects.get(project=project).spent
    assert Decimal("0.01") < spent <= told.most
    assert told.about < told.most

    # Also where principles are of letters that take four bytes each.
    wide = ["\U0001f4ac" * MAX_TEXT] * MOST_TESTED
    drawn = draw_choices(project, 40)
    pairs = {one.task: (one.chosen, one.rejected) for one in (*drawn.training, *drawn.held_out)}
    votes = [
        errand
        for asked in questions(list(pairs))
        for errand in vote_errands(asked, pairs[asked.task_id], wide)
    ]
    account = account_of(judge)
    assert told.most > sum(price(account, most_tokens(one.messages), 100) for one in votes)

    other = make_judge(
        project, "explains", name="Poor", principles="Other.", limits={"spending_limit": "0.03"}
    )
    run = explain(other, most_tasks=40)
    assert (run.state, "Raise the limit" in run.message) == ("failed", True)
    account = JudgeAccount.objects.get(project=project, name="Poor")
    assert 0 < account.spent <= account.spending_limit
    set_limits(judge=other, actor=None, limits={"spending_limit": "10"})
    before = len(judge_server.requests)
    assert explain(other, most_tasks=40).state == "done"
    assert len(judge_server.requests) - before < 101


def test_what_it_costs_is_reckoned_from_some_of_the_tasks(project, make_judge, monkeypatch) -> None:
    judge = make_judge(project, "explains", max_tokens=100)
    whole = outlook(judge, 1000)
    assert (whole.looked, whole.tasks, whole.is_reckoned) == (120, 120, False)
    monkeypatch.setattr(principle_runs, "MOST_LOOKED", 60)
    some = outlook(judge, 1000)
    assert (some.looked, some.tasks, some.is_reckoned) == (60, 120, True)
    assert (some.training + some.held_out, some.is_enough) == (120, True)
    assert some.calls == pytest.approx(whole.calls, rel=0.2)
    for one, other in ((some.most, whole.most), (some.about, whole.about)):
        assert float(one) == pytest.approx(float(other), rel=0.2)
    assert outlook(judge, 40).training == 20  # enough is found before


def test_the_draw_is_by_a_hash_of_seed_and_task(project) -> None:
    drawn = draw_choices(project, 1000)
    tasks = [one.task for one in drawn.training]
    by_hash = sorted(tasks, key=lambda pk: hashlib.sha256(f"{project.seed} {pk}".encode()).digest())
    assert tasks == by_hash != sorted(tasks)
    first = draw_choices(project, 1000, 60)
    assert (first.looked, first.is_cut) == (60, True)
    assert [one.task for one in first.training] == tasks[: len(first.training)]


def test_failures_are_seen(project, make_judge) -> None:
    run = explain(make_judge(project, "silent", limits={"attempts": 1}), most_tasks=20)
    assert run.state == "failed"
    assert "all 10 calls failed" in run.message
    assert JudgeCall.objects.filter(state="failed", failure="invalid").count() == 10


def test_where_nothing_is_gathered_their_words_tell(project, make_judge) -> None:
    run = explain(make_judge(project, "gathers_nothing", limits={"attempts": 1}), most_tasks=40)
    assert (run.state, run.failed) == ("done", 1)
    assert run.report["gathered_by"] == "words"
    [detail] = JudgeCall.objects.filter(state="failed").values_list("detail", flat=True)
    assert "groups[0].members" in detail
    assert len(run.report["principles"]) > 3


def test_too_few_choices_and_other_judges_are_told(
    make_project, make_judge, judge_server, work
) -> None:
    from routing.services.judges import save_judge

    judge_server.scripts.update(SCRIPTS)
    project = make_project(overlap=1, seed=3)
    take_in(project, rows(6))
    judge = make_judge(project, "explains")
    run = explain(judge)
    assert (run.state, "Too few choices" in run.message) == ("failed", True)
    for size in (19, 1001):
        with pytest.raises(InvalidValue):
            start_judging(judge=judge, actor=None, purpose="explain", most_tasks=size)
    local = save_judge(project=project, actor=None, name="S", kind="simulated", config={})
    with pytest.raises(InvalidValue, match="language model"):
        start_judging(judge=local, actor=None, purpose="explain")


def test_ties_and_splits_are_no_choices(project) -> None:
    [split, tied] = rows(2, start=120)
    split["labels"][0]["preferred"] = 1 - split["labels"][1]["preferred"]
    tied["labels"] = [{"verdict": "tie", "annotator": "p0"}]
    take_in(project, [split, tied])
    drawn = draw_choices(project, 1000)
    assert len(drawn.training) + len(drawn.held_out) == 120
    assert drawn.left_out == {"undecided": 2}
    one = drawn.training[0]
    [chosen] = {row.value["preferred"] for row in Judgement.objects.filter(task=one.task)}
    assert (one.chosen, one.rejected != one.chosen) == (chosen, True)


def test_of_an_order_the_best_stands_beside_the_worst(make_task) -> None:
    task = make_task("ranking", {}, ["one", "two words", "three more words"])
    first, second, third = (one.response_id for one in task.places.order_by("position"))
    Judgement.objects.create(
        project=task.project, task=task, kind="ranking", schema_version=1, source="imported",
        imported_author="p", shown_order=[first, second, third],
        value={"verdict": "full", "tiers": [[third], [first], [second]]},
    )  # fmt: skip
    drawn = draw_choices(task.project, 10)
    [one] = drawn.training + drawn.held_out
    assert (one.chosen, one.rejected, one.longer, one.first) == (third, second, 1, False)


def test_the_page_asks_what_it_costs_starts_and_shows(
    project, make_judge, client, add_member, make_user
) -> None:
    judge = make_judge(project, "explains")
    client.force_login(project.created_by)
    url = reverse("principles", args=[project.pk])
    assert "No report yet" in client.get(url).content.decode()
    page = client.get(url, {"judge": judge.pk, "choices": 50}).content.decode()
    assert "126" in page  # 25 + 1 + 2 × 50 calls
    client.post(reverse("find_principles", args=[project.pk]), {"judge": judge.pk, "choices": "50"})
    run = JudgeRun.objects.get()
    assert (run.purpose, run.most_tasks, run.state) == ("explain", 50, "queued")
    live = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<h1>" not in live
    assert "Stop" in live
    go_on(run)
    page = client.get(url).content.decode()
    assert "Prefer the response that cites a source." in page
    assert "matters" in page
    assert "The length alone" in page
    shares = run.report["baselines"][0]["right"]
    assert f"{percent(shares['share'])} <small>{percent(shares['low'])}" in page
    assert client.get(reverse("download_principles", args=[run.pk])).json()["list"]["count"] == 25

    reviewer = add_member(project, make_user("rita"), "reviewer").user
    client.force_login(reviewer)
    page = client.get(url).content.decode()
    assert "cites a source" in page
    assert "Show what it costs" not in page
    assert client.post(reverse("find_principles", args=[project.pk])).status_code == 403
    client.force_login(add_member(project, make_user("anna"), "annotator").user)
    assert client.get(url).status_code == 403


def test_it_can_be_stopped_on_its_page(project, make_judge, client) -> None:
    run = start_judging(judge=make_judge(project, "explains"), actor=None, purpose="explain")
    client.force_login(project.created_by)
    client.post(reverse("cancel_principles", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == "cancelled" or run.cancel_requested


def test_rest_tells_the_cost_and_the_report(project, make_judge, client) -> None:
    judge = make_judge(project, "explains")
    client.force_login(project.created_by)
    base = f"/api/v1/projects/{project.pk}"
    told = client.get(f"{base}/judges/{judge.pk}/principles/", {"choices": 40}).json()
    assert (told["calls"], told["training"], told["is_enough"]) == (101, 20, True)
    bad = client.get(f"{base}/judges/{judge.pk}/principles/", {"choices": 5})
    assert bad.status_code == 400
    assert client.get(f"{base}/principles/").json() == {"run": None, "going": None}
    started = client.post(
        f"{base}/judges/{judge.pk}/runs/", {"purpose": "explain", "most_tasks": 40},
        content_type="application/json",
    )  # fmt: skip
    assert started.status_code == 202
    assert client.get(f"{base}/principles/").json()["going"]["id"] == started.json()["id"]
    go_on(JudgeRun.objects.get())
    report = client.get(f"{base}/principles/").json()["run"]["report"]
    assert report["principles"][0]["listed"]
