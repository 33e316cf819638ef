"""The routing page: rule, pass, shares, agreement, decisions."""

import pytest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape

from annotate.handout import lease_seat
from annotate.models import AuditEvent, JobState, Judge, Judgement, Seat
from annotate.services import jobs
from annotate.services.work.judgements import submit_judgement
from routing.models import Decision, JudgeCall, RoutingPolicy, RoutingRun, of_people
from routing.services.passes import run_routing
from routing.words.reasons import in_english
from tests.routing.length_judge import lengthen

RULE = {"threshold": "50", "audit_share": "100"}


@pytest.fixture
def project(make_project, make_pair_tasks, client):
    project = make_project()
    for task in make_pair_tasks(project, 4):
        lengthen(task)
    client.force_login(project.created_by)
    return project


def url_of(project, name: str = "routing") -> str:
    return reverse(name, args=[project.pk])


def run_pass(client, project) -> RoutingRun:
    client.post(url_of(project, "start_pass"))
    run = RoutingRun.objects.get()
    run_routing(run=jobs.claim(RoutingRun, run.pk, owner="test"))
    return run


def test_without_a_judge_the_page_says_how_to_get_one(client, project) -> None:
    text = client.get(url_of(project)).content.decode()
    assert "No judge in service" in text
    assert reverse("start_reward_model", args=[project.pk]) in text
    answer = client.post(url_of(project), RULE)
    assert answer.status_code == 422
    assert "train one" in str(answer.context["form"].non_field_errors())


def test_judges_without_a_reward_model_are_sent_to_policies(client, project) -> None:
    Judge.objects.create(project=project, name="Rules", version=1, kind="rules", config={})
    text = client.get(url_of(project)).content.decode()
    assert "No judge in service" not in text
    assert reverse("policies", args=[project.pk]) in text.split("No reward model in service")[1]


def test_every_page_with_figures_tells_of_simulated_people(
    client, project, length_judge, make_user, monkeypatch
) -> None:
    monkeypatch.setattr("annotate.reports.remembered.FREE_SECONDS", 60)
    client.post(url_of(project), RULE)
    policy, judge = RoutingPolicy.objects.get(), Judge.objects.get()
    pages = [url_of(project, name) for name in ("routing", "policies", "simulator")]
    pages += [url_of(project, "second_looks"), reverse("policy", args=[policy.pk])]
    pages += [reverse(name, args=[judge.pk]) for name in ("judge", "judge_alignment")]
    first, *others = project.tasks.order_by("pk")

    def label(task, **fields) -> None:
        Judgement.objects.create(
            project=project, task=task, kind="pairwise", value={"verdict": "tie"}, **fields
        )

    label(first, source="judge", judge=judge, simulated=True)
    assert "simulated" not in client.get(url_of(project)).content.decode()
    machine = make_user("machine", is_simulated=True)
    label(first, source="person", annotator=machine, simulated=True)
    assert (
        "All labels of people in this project are of sim" in client.get(pages[0]).content.decode()
    )
    for task in others:
        label(task, source="imported")
    for page in pages:
        told = client.get(page).content.decode()
        assert "1 of the 4 labels of people in this project is of a simulated person" in told, page
    api = f"/api/v1/projects/{project.pk}/routing/figures/"
    assert client.get(api).json()["people"]["counts_simulated"] is True
    assert of_people(Judgement.objects.all()).count() == 4
    answer = client.post(url_of(project, "count_simulated"), {"simulated": "no"}, follow=True)
    assert "It is left out of the figures here" in answer.content.decode()
    assert of_people(Judgement.objects.all()).count() == 3
    told = client.put(api, {"counts_simulated": True}, content_type="application/json").json()
    assert told["people"] == {"labels": 4, "simulated": 1, "counts_simulated": True}
    assert of_people(Judgement.objects.all()).count() == 4
    assert AuditEvent.objects.filter(action="routing.people_counted").count() == 2


def test_opening_the_page_writes_nothing(client, project, length_judge) -> None:
    client.get(url_of(project))
    assert not project.judges.exists()


def test_the_form_puts_versions_in_force(client, project, length_judge) -> None:
    client.post(url_of(project), {"threshold": "92.5", "audit_share": "10"})
    client.post(url_of(project), {"threshold": "80", "audit_share": "10"})
    active = RoutingPolicy.objects.get(state="active")
    assert (active.version, active.threshold, active.audit_share) == (2, 0.8, 0.1)
    assert client.get(url_of(project)).context["form"]["threshold"].value() == 80


def test_remembered_figures_hide_no_new_rule_and_no_finished_pass(
    client, project, length_judge, monkeypatch
) -> None:
    monkeypatch.setattr("annotate.reports.remembered.FREE_SECONDS", 0)
    monkeypatch.setattr("annotate.reports.remembered.SHARE", 1_000_000)
    start = url_of(project, "start_pass")
    assert start not in client.get(url_of(project)).content.decode()
    client.post(url_of(project), RULE)
    answer = client.get(url_of(project))
    assert start in answer.content.decode()
    assert answer.context["form"]["threshold"].value() == 50
    run_pass(client, project)
    assert client.get(url_of(project)).context["figures"].total == 4
    client.post(url_of(project, "stop_routing"))
    assert start not in client.get(url_of(project)).content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("threshold", "49"), ("threshold", "101"), ("audit_share", "4"), ("audit_share", "")],
)
def test_a_wrong_number_is_refused_at_its_field(
    client, project, length_judge, field, value
) -> None:
    answer = client.post(url_of(project), {**RULE, field: value})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not RoutingPolicy.objects.exists()


def test_a_pass_shows_shares_and_reasons(client, project, length_judge) -> None:
    client.post(url_of(project), RULE)
    run_pass(client, project)
    page = client.get(url_of(project))
    shares = {row["route"]: row["count"] for row in page.context["shares"]}
    assert shares == {"ai": 0, "both": 4, "people": 0}
    decision = Decision.objects.first()
    text = page.content.decode()
    assert reverse("decision", args=[decision.pk]) in text
    detail = client.get(reverse("decision", args=[decision.pk])).content.decode()
    assert all(escape(reason) in detail for reason in in_english(decision.reasons))
    assert "lengths" in detail
    german = {"accept-language": "de"}
    for url in (url_of(project), reverse("decision", args=[decision.pk])):
        assert "zur Prüfung gezogen (" in client.get(url, headers=german).content.decode()
    kept = client.get(f"/api/v1/projects/{project.pk}/routing/decisions/", headers=german).json()
    assert kept["results"][-1]["reasons"] == in_english(decision.reasons)


def test_agreement_with_people_has_its_interval(client, project, length_judge) -> None:
    client.post(url_of(project), RULE)
    run_pass(client, project)
    owner = project.created_by
    lease = lease_seat(project=project, user=owner)
    seat = Seat.objects.get(pk=lease.seat_id)
    judged = seat.task.judgements.get(source="judge").value["preferred"]
    submit_judgement(
        seat_id=seat.pk,
        user=owner,
        value={"verdict": "prefer", "preferred": judged, "strength": 1},
    )
    text = client.get(url_of(project)).content.decode()
    assert "100.0 %" in text
    assert "20.7 % to 100.0 %" in text  # Wilson, 1 of 1
    assert "1 audited task<" in text


def test_a_pass_under_way_is_followed_and_cancelled(client, project, length_judge) -> None:
    client.post(url_of(project), RULE)
    client.post(url_of(project, "start_pass"))
    part = client.get(url_of(project), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'hx-trigger="every 2s"' in part
    assert "Waits for a serving worker." in part
    assert "A pass is under way" in part
    run = RoutingRun.objects.get()
    client.post(reverse("cancel_pass", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == JobState.CANCELLED
    assert "hx-trigger" not in client.get(url_of(project)).content.decode()


def test_routing_stops(client, project, length_judge) -> None:
    client.post(url_of(project), RULE)
    client.post(url_of(project, "stop_routing"))
    assert not RoutingPolicy.objects.filter(state="active").exists()
    answer = client.post(url_of(project, "start_pass"), follow=True)
    assert "No rule is in force" in answer.content.decode()


def test_strangers_and_annotators_stay_out(
    client, project, length_judge, make_user, add_member
) -> None:
    client.post(url_of(project), RULE)
    run_pass(client, project)
    decision = reverse("decision", args=[Decision.objects.first().pk])
    annotator = make_user("ann")
    add_member(project, annotator)
    for user, status in ((annotator, 403), (make_user("stranger"), 404)):
        client.force_login(user)
        assert client.get(url_of(project)).status_code == status
        assert client.get(decision).status_code == status
        assert client.post(url_of(project, "stop_routing")).status_code == status
    assert client.get(reverse("decision", args=[10**9])).status_code == 404


def test_the_list_costs_the_same_for_one_and_for_many(
    client, make_project, make_pair_tasks, length_judge, django_assert_max_num_queries
) -> None:
    project = make_project()
    make_pair_tasks(project, 40)
    client.force_login(project.created_by)
    client.post(url_of(project), RULE)
    run_pass(client, project)
    with django_assert_max_num_queries(15):
        page = client.get(url_of(project))
    assert len(page.context["decisions"]) == 25
    assert "Newest" not in page.content.decode()
    older = client.get(f"{url_of(project)}?{page.context['next_page']}")
    assert "Newest" in older.content.decode()
    shown = [one.pk for one in [*page.context["decisions"], *older.context["decisions"]]]
    assert shown == sorted(Decision.objects.values_list("pk", flat=True), reverse=True)


def test_the_list_and_a_decision_tell_the_propensity(
    client, make_project, make_pair_tasks, length_judge
) -> None:
    project = make_project()
    make_pair_tasks(project, 2)
    client.force_login(project.created_by)
    client.post(url_of(project), RULE)
    run_pass(client, project)
    text = client.get(url_of(project)).content.decode()
    for one in Decision.objects.all():
        assert f'<td class="number nowrap">{100 * one.propensity:.1f} %</td>' in text
        assert f"{100 * one.score:.1f} % sure</td>" in text
    one = Decision.objects.first()
    own = client.get(reverse("decision", args=[one.pk])).content.decode()
    assert f'href="{reverse("policy", args=[one.policy_id])}"' in own
    assert "<dt>Time</dt>" in own
    untimed = JudgeCall(p_first=0.5, shown_order=[1, 2], raw={})
    shown = {"decision": one, "project": project, "calls": [untimed]}
    own = render_to_string("routing/decision.html", shown)
    assert "What the judge said" in own
    assert "<dt>Time</dt>" not in own
