"""A judge beside people: measured on pairs, its length taken out."""

import math

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from annotate.models import AuditEvent, Judge
from annotate.services import jobs
from annotate.services.people.tokens import issue_token
from routing.judges import Question, Verdict
from routing.judges.length import without_length
from routing.models import JudgeCall, JudgeRun
from routing.reports.simulation import stocks
from routing.services.judge_runs import run_judge, start_judging
from routing.services.judges import save_judge
from routing.services.labelled import free_verdicts
from tests.routing.judges.alignment_scripts import SCRIPTS
from tests.routing.judges.scripts import instructions, material, say
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, judge_server):
    """Forty pairs; people like the shorter of poems and the longer of sums."""
    judge_server.scripts.update(SCRIPTS)
    project = make_project(overlap=1, seed=3)
    take_in(project, rows(40, votes=2))
    return project


@pytest.fixture
def api(project) -> APIClient:
    client = APIClient()
    token = issue_token(user=project.created_by, scopes=["read", "manage"])[1]
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def ran(judge: Judge, purpose: str, **options) -> JudgeRun:
    run = start_judging(judge=judge, actor=None, purpose=purpose, **options)
    claimed = jobs.claim(JudgeRun, run.pk, owner="test")
    run_judge(run=claimed)
    claimed.refresh_from_db()
    return claimed


def labelled(make_judge, project, model: str = "by_length", **config) -> Judge:
    judge = make_judge(project, model, **config)
    assert ran(judge, "label").labelled == 40
    return judge


def test_agreement_place_and_length_are_what_was_planted(project, make_judge, api) -> None:
    judge = labelled(make_judge, project)
    asked = JudgeCall.objects.count()
    report = ran(judge, "measure").report
    assert JudgeCall.objects.count() == asked  # it spends nothing
    assert (report["tasks"], report["compared"], report["agreeing"]) == (40, 40, 20)
    assert report["low"] < 0.5 < report["high"]
    assert report["people"]["value"] == 1.0
    assert report["order"]["bias"]["value"] == pytest.approx(0.8, abs=0.01)
    assert report["length"]["judge"]["value"] == pytest.approx(1.5, abs=0.05)
    # People like as many long ones as short ones.
    own = report["length"]["people"]
    assert own["low"] < 0 < own["high"]
    body = api.get(f"/api/v1/projects/{project.pk}/judges/{judge.pk}/alignment/").json()
    assert body["measured"] == report


def test_length_taken_out_pays_no_call_again(project, make_judge, client) -> None:
    judge = labelled(make_judge, project)
    ran(judge, "measure")
    asked = JudgeCall.objects.count()
    client.force_login(project.created_by)
    done = client.post(reverse("save_length", args=[judge.pk]), {"take_out": "1"})
    second = Judge.objects.get(version=2)
    assert done.url == reverse("judge_alignment", args=[second.pk])
    assert second.config["length_coefficient"] == pytest.approx(1.5, abs=0.05)
    assert [one.both for one in stocks(project)] == [40, 40]  # what the first heard is its own too
    run = ran(second, "measure")
    assert JudgeCall.objects.count() == asked
    left = run.report["length"]
    assert left["judge"]["value"] == pytest.approx(0, abs=0.05)
    assert left["taken_out"] == second.config["length_coefficient"]
    # Nothing but the length spoke, so nothing is left to say.
    assert (run.report["abstained"], run.report["compared"]) == (40, 0)
    [drift] = run.report["versions"]
    assert (drift["judge"], drift["tasks"], drift["difference"]) == (judge.pk, 0, None)
    client.post(reverse("save_length", args=[second.pk]), {"take_out": "0"})
    assert Judge.objects.count() == 2  # without the length taken out it is the first again


def test_the_probability_moves_by_the_coefficient_times_the_log_ratio() -> None:
    question = Question(1, "", [], (1, 2), ("one two three", "one"))
    plain = Verdict(1, 0.75)
    moved = without_length(plain, question, 0.5)
    logit = math.log(0.75 / 0.25) - 0.5 * math.log(4 / 2)
    assert moved.p_first == pytest.approx(1 / (1 + math.exp(-logit)))
    assert moved.raw["with_length"] == 0.75
    assert without_length(plain, question, 0.0) is plain
    by_length_alone = Verdict(1, 1 / (1 + math.exp(-0.7 * math.log(2))))
    assert without_length(by_length_alone, question, 0.7).p_first == 0.5
    silent = Verdict(1, None)
    assert without_length(silent, question, 0.5) is silent


def test_a_config_of_earlier_days_is_the_same_version(project, make_judge) -> None:
    judge = make_judge(project, "by_length")
    assert "length_coefficient" not in judge.config
    assert make_judge(project, "by_length", length_coefficient=0) == judge
    assert make_judge(project, "by_length", length_coefficient=0.5).version == 2


def test_drift_between_principles_on_the_same_tasks(project, make_judge, judge_server) -> None:
    def turned(handler, body: dict) -> None:
        """By its principles it likes the short ones."""
        found = material(body)
        first, second = (len(found[f"RESPONSE {letter}"].split()) + 1 for letter in "AB")
        x = math.log(first / second) * (-1 if "brevity" in instructions(body) else 1)
        top = [("A", -math.log1p(math.exp(-x))), ("B", -math.log1p(math.exp(x)))]
        say(handler, "A" if x > 0 else "B", top=top)

    judge_server.scripts["turned"] = turned
    labelled(make_judge, project, "turned")
    second = labelled(make_judge, project, "turned", principles="Prefer brevity.")
    [drift] = ran(second, "measure").report["versions"]
    assert (drift["tasks"], drift["flipped"]["value"]) == (40, 1.0)
    assert (drift["then"], drift["now"], drift["difference"]["value"]) == (0.5, 0.5, 0.0)


def test_principles_are_edited_on_the_page(project, make_judge, client) -> None:
    judge = make_judge(project, "by_length", samples=1, least_mass=0.2)
    client.force_login(project.created_by)
    url = reverse("save_principles", args=[judge.pk])
    answer = client.post(url, {"principles": "Prefer brevity.\r\nAlways."})
    made = Judge.objects.get(version=2)
    assert answer.url == reverse("judge_alignment", args=[made.pk])
    assert made.config == {**judge.config, "principles": "Prefer brevity.\nAlways."}
    assert AuditEvent.objects.filter(action="judge.saved").count() == 2
    client.post(reverse("save_principles", args=[made.pk]), {"principles": "x" * 20_001})
    assert Judge.objects.count() == 2


def test_a_panel_spends_nothing_where_only_the_record_counts(project, make_judge) -> None:
    members = [make_judge(project, "by_length", name=name) for name in ("One", "Two")]
    panel = save_judge(
        project=project,
        actor=None,
        name="Panel",
        kind="panel",
        config={"members": [{"judge": one.pk} for one in members]},
    )
    ids = list(project.tasks.values_list("pk", flat=True))
    assert free_verdicts(panel, ids, lambda: False) == {}
    assert not JudgeCall.objects.exists()
    ran(members[0], "label")
    asked = JudgeCall.objects.count()
    heard = free_verdicts(panel, ids, lambda: False)
    assert len(heard) == 40  # the other member has the same configuration, so it was heard too
    assert JudgeCall.objects.count() == asked


def test_purposes_that_a_judge_cannot_do_are_refused(make_project, project, make_judge) -> None:
    from annotate.inputs import InvalidValue

    rules = save_judge(
        project=project, actor=None, name="Rules", kind="rules",
        config={"rules": [{"rule": "length", "weight": 1}]},
    )  # fmt: skip
    for purpose in ("tag", "draft", "criteria"):
        with pytest.raises(InvalidValue, match="language model"):
            start_judging(judge=rules, actor=None, purpose=purpose)
    assert ran(rules, "label").labelled > 0
    assert ran(rules, "measure").report["compared"] > 0
    rating = make_project(kind="rating")
    with pytest.raises(InvalidValue, match="measured on pairs"):
        start_judging(judge=make_judge(rating, "hard"), actor=None, purpose="measure")
