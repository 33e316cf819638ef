"""The pages of judges: set up, dry run, limits, failures."""

import re

import pytest
from django.urls import reverse
from django.utils.html import escape

from annotate.models import Judge
from routing.models import JudgeAccount, JudgeRun
from routing.pages.judge_forms import EXAMPLES
from tests.routing.length_judge import lengthen

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks, client):
    project = make_project()
    for task in make_pair_tasks(project, 3):
        lengthen(task)
    client.force_login(project.created_by)
    return project


def fields(server, **more) -> dict:
    return {
        "name": "Big",
        "base_url": server.base_url,
        "model": "planted",
        "input_price": "1",
        "output_price": "10",
        "spending_limit": "5",
        **more,
    }


def test_the_first_judge_is_set_up_in_the_browser(client, project, judge_server) -> None:
    url = reverse("judges", args=[project.pk])
    assert "There is none yet" in client.get(url).content.decode()
    answer = client.post(url, fields(judge_server, principles="Prefer facts."))
    judge = Judge.objects.get()
    assert answer.url == reverse("judge", args=[judge.pk])
    assert judge.config["principles"] == "Prefer facts."
    assert JudgeAccount.objects.get().spending_limit == 5
    text = client.get(answer.url).content.decode()
    assert "It has judged nothing yet" in text
    assert "Prefer facts." in text
    assert "planted" in client.get(url).content.decode()


def test_a_new_version_keeps_the_money_that_is_set(client, project, judge_server) -> None:
    url = reverse("judges", args=[project.pk])
    client.post(url, fields(judge_server))
    again = {"input_price": "", "output_price": "", "spending_limit": ""}
    answer = client.post(url, fields(judge_server, principles="Prefer facts.", **again))
    assert answer.status_code == 302
    assert Judge.objects.count() == 2
    account = JudgeAccount.objects.get()
    assert (account.input_price, account.output_price, account.spending_limit) == (1, 10, 5)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"base_url": "http://example.com/v1"}, "base_url"),
        ({"parameters": "{"}, "parameters"),
        ({"parameters": '{"stream": true}'}, "parameters"),
        ({"samples": "3"}, "samples"),
        ({"spending_limit": "-1"}, "spending_limit"),
        ({"input_price": ""}, "input_price"),
        ({"spending_limit": ""}, "spending_limit"),
        ({"name": "reward_model"}, "name"),
    ],
)
def test_what_is_wrong_stands_at_its_field(client, project, judge_server, change, field) -> None:
    answer = client.post(reverse("judges", args=[project.pk]), fields(judge_server, **change))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not Judge.objects.exists()


def test_all_that_is_wrong_is_told_at_once(client, project, judge_server) -> None:
    """Also what the form itself refuses, beside what only the service knows."""
    change = {
        "name": "reward_model",
        "base_url": "http://example.com/v1",
        "parameters": "{",
        "samples": "99",
        "input_price": "",
        "spending_limit": "-1",
    }
    answer = client.post(reverse("judges", args=[project.pk]), fields(judge_server, **change))
    assert set(answer.context["form"].errors) == set(change)
    assert all(len(errors) == 1 for errors in answer.context["form"].errors.values())
    empty = client.post(reverse("judges", args=[project.pk]), {})
    wanted = {"name", "base_url", "model", "input_price", "output_price", "spending_limit"}
    assert set(empty.context["form"].errors) == wanted


def test_all_that_is_wrong_with_limits_is_told_at_once(client, project, make_judge) -> None:
    url = reverse("judge", args=[make_judge(project, "planted").pk])
    now = {
        name: str(field.initial if field.initial is not None else "")
        for name, field in client.get(url).context["form"].fields.items()
    }
    wrong = {"spending_limit": "99999999999", "input_price": "99999999999"}
    answer = client.post(
        url,
        {**now, "output_price": "1", "concurrency": "2", "attempts": "2", "patience": "9", **wrong},
    )
    assert set(answer.context["form"].errors) == set(wrong)


def test_the_chosen_kind_stays_marked_after_a_mistake(client, project) -> None:
    url = reverse("judges", args=[project.pk])
    answer = client.post(f"{url}?kind=rules", {"name": "", "config": "{"})
    assert answer.status_code == 422
    assert '<a href="?kind=rules" aria-current="true">' in answer.content.decode()


def test_a_dry_run_shows_each_task_and_the_agreement(client, project, make_judge, work) -> None:
    judge = make_judge(project, "planted")
    url = reverse("judge", args=[judge.pk])
    client.post(reverse("start_judge", args=[judge.pk]), {"purpose": "dry_run"})
    text = client.get(url).content.decode()
    assert 'hx-trigger="every 2s"' in text
    assert "Cancel the run" in text
    assert [_start_is_disabled(client, url, part) for part in (False, True)] == [True, True]
    client.post(reverse("cancel_judge_run", args=[JudgeRun.objects.get().pk]))
    work(judge, purpose="dry_run")
    text = client.get(url).content.decode()
    assert "hx-trigger" not in text
    assert "nothing to compare with" in text
    assert "by 0.8 logits" in text
    assert "6 calls for 0.000660 $" in text
    assert re.search(r"A call takes \d+.\d s\.", text)
    assert re.search(r"<dt>One answer takes</dt><dd>\d+.\d s</dd>", text)
    assert "<dt>One call costs</dt><dd>0.000110 $</dd>" in text
    said = re.findall(r'<td class="wraps">(Response [AB][^<]*)</td>', text)
    assert len(said) == 3
    assert all(reverse("task", args=[task.pk]) in text for task in project.tasks.all())
    german = client.get(url, headers={"Accept-Language": "de"}).content.decode()
    assert "6 Aufrufe für 0,000660 $; so kosten 1.000 Aufgaben 0,22 $" in german
    part = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "Latest dry run" in part
    assert _start_is_disabled(client, url, part=True) is False


def test_a_panel_is_set_up_by_names(client, project, make_judge) -> None:
    first, second = make_judge(project, "planted"), make_judge(project, "hard", name="Other")
    url = reverse("judges", args=[project.pk]) + "?kind=panel"
    page = client.get(url).content.decode()
    assert all(f'value="{one.pk}"' in page and str(one) in page for one in (first, second))
    given = {"name": "Both", "pool": "votes", "quorum": "0.5", "members": [first.pk, second.pk]}
    answer = client.post(url, {**given, "weights": f"{second} = 2"})
    assert answer.status_code == 302
    assert Judge.objects.get(kind="panel").config == {
        "members": [{"judge": first.pk, "weight": 1}, {"judge": second.pk, "weight": 2}],
        "pool": "votes",
        "quorum": 0.5,
    }
    assert "Both v1" not in client.get(url).context["form"]["members"].as_widget()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"members": []}, "members"),
        ({"weights": "Nobody v1 = 2"}, "weights"),
        ({"weights": "Judge v1 = much"}, "weights"),
        ({"weights": "Other v1 = 2"}, "weights"),  # is there, and not chosen
        ({"weights": "Judge v1 = 0"}, "members"),
        ({"quorum": "2"}, "quorum"),
        ({"pool": "x"}, "pool"),
    ],
)
def test_what_is_wrong_with_a_panel_stands_at_its_field(
    client, project, make_judge, change, field
) -> None:
    members = [make_judge(project, "planted").pk, make_judge(project, "hard").pk]
    make_judge(project, "planted", name="Other")
    given = {"name": "P", "pool": "votes", "quorum": "0.5", "members": members, "weights": ""}
    answer = client.post(reverse("judges", args=[project.pk]) + "?kind=panel", {**given, **change})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]


def test_other_kinds_show_an_example_that_is_taken(client, project) -> None:
    url = reverse("judges", args=[project.pk])
    for kind in ("rules", "simulated"):
        page = client.get(f"{url}?kind={kind}").content.decode()
        assert f"such as {escape(EXAMPLES[kind])}" in page
        given = {"name": kind, "config": EXAMPLES[kind]}
        assert client.post(f"{url}?kind={kind}", given).status_code == 302


RATED = {"criteria": [{"name": "help", "title": "Helpful"}, {"name": "tone", "allow_na": True}]}
MARKED = {"types": [{"name": "wrong", "title": "Not true"}]}


@pytest.mark.parametrize(
    ("kind", "asked", "answer", "words"),
    [
        (
            "rating",
            RATED,
            {"help": 4, "tone": None},
            "A: Helpful 4, tone –<br>B: Helpful 4, tone –",
        ),
        ("critique", {}, {"critique": "Names no source."}, "A: Names no source.<br>B: Names no"),
        (
            "spans",
            MARKED,
            {
                "marks": [
                    {"quote": "moon", "occurrence": 1, "type": "wrong", "note": "It is tides."}
                ]
            },
            "A: “moon” – Not true, It is tides.<br>B: “moon” – Not true",
        ),
        ("spans", MARKED, {"marks": []}, "No error marked"),
    ],
)
def test_a_dry_run_tells_answers_in_words(
    client, make_task, make_judge, answer_with, work, kind, asked, answer, words
) -> None:
    task = make_task(kind, asked, ["The moon", "A moon"])
    judge = make_judge(task.project, answer_with(lambda body: answer))
    assert work(judge, purpose="dry_run").labelled == 1
    client.force_login(task.project.created_by)
    text = client.get(reverse("judge", args=[judge.pk])).content.decode()
    assert words in text
    assert "alternative annotator" not in text  # which is a test on pairs
    refused = client.post(reverse("start_judge_test", args=[judge.pk]), follow=True)
    assert "tested on pairs" in refused.content.decode()


def _start_is_disabled(client, url: str, part: bool) -> bool:
    """Of both buttons, on the page or in the part that replaces itself while a run goes on."""
    text = client.get(url, headers={"HX-Request": "true"} if part else {}).content.decode()
    buttons = re.findall(r'<button[^>]*name="purpose"[^>]*>', text)
    assert len(buttons) == 2
    [disabled] = {"disabled" in button for button in buttons}
    return disabled


def test_failures_are_shown_with_their_reason_and_asked_again_on_wish(
    client, project, make_judge, work
) -> None:
    judge = make_judge(project, "nonsense", limits={"attempts": 1})
    work(judge)
    text = client.get(reverse("judge", args=[judge.pk])).content.decode()
    assert "The answer was not what was asked for" in text
    assert "Both have their merits." in text
    assert "Ask again what failed" in text
    client.post(reverse("start_judge", args=[judge.pk]), {"purpose": "label", "retry": "1"})
    assert JudgeRun.objects.latest("pk").retry_failed is True


def test_limits_are_saved_and_refused(client, project, make_judge) -> None:
    judge = make_judge(project, "planted")
    url = reverse("judge", args=[judge.pk])
    form = client.get(url).context["form"]
    assert [form.initial[name] for name in ("input_price", "output_price")] == ["1", "10"]
    given = {name: "" if value is None else value for name, value in form.initial.items()}
    assert client.post(url, {**given, "spending_limit": "7.5"}).status_code == 302
    assert JudgeAccount.objects.get().spending_limit == 7.5
    answer = client.post(url, {**given, "concurrency": "1000", "patience": "soon"})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["concurrency", "patience"]


def test_a_project_that_it_cannot_answer_says_so(client, make_project, make_judge) -> None:
    project = make_project(kind="labels")
    client.force_login(project.created_by)
    judge = make_judge(project, "planted")
    text = client.get(reverse("judge", args=[judge.pk])).content.decode()
    assert "This judge cannot answer what the project asks." in text
    assert "Let it label" not in text
    answer = client.post(reverse("start_judge", args=[judge.pk]), follow=True)
    assert "does not answer labels" in answer.content.decode()


def test_strangers_and_annotators_stay_out(
    client, project, make_judge, make_user, add_member
) -> None:
    judge = make_judge(project, "planted")
    annotator = make_user("ann")
    add_member(project, annotator)
    for user, status in ((annotator, 403), (make_user("stranger"), 404)):
        client.force_login(user)
        assert client.get(reverse("judges", args=[project.pk])).status_code == status
        assert client.get(reverse("judge", args=[judge.pk])).status_code == status
        assert client.post(reverse("start_judge", args=[judge.pk])).status_code == status
