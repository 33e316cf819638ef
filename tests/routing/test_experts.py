"""Experts as a tier of their own: fitted, asked where they are worth it, by rules and strata."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotate.handout import lease_seat
from annotate.kinds import InvalidValue
from annotate.models import AuditEvent, Judgement, Membership, Seat, Task, User
from annotate.services import jobs
from routing.models import Decision, PolicyFit, RoutingRun
from routing.services.experts import open_to_everybody
from routing.services.fitting import run_fit
from routing.services.passes import run_routing, start_routing
from routing.services.policies import current_judge, promote_policy, put_in_shadow, start_fit
from tests.routing.lock_order import require_tasks_before_seats
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db


def unsure(given: list[dict]) -> list[dict]:
    """Of three people one is wrong about every poem, each in turn; about sums nobody is."""
    for number, row in enumerate(given):
        if number % 2 == 0:
            wrong = row["labels"][(number // 2) % 3]
            wrong["preferred"] = 1 - wrong["preferred"]
    return given


@pytest.fixture
def project(make_project, length_judge, make_user):
    """People, of whom one in three is wrong about poems, and an expert who never is."""
    project = make_project(overlap=1, seed=3, test_percent=20)
    take_in(project, unsure(rows(160, votes=3)))
    expert = make_user("erna")
    Membership.objects.create(project=project, user=expert, role="annotator", tier="expert")
    for task in Task.objects.filter(project=project).select_related("prompt"):
        short, long = task.places.order_by("position").values_list("response", flat=True)
        is_poem = "poem" in task.prompt.conversation[0]["content"]
        Judgement.objects.create(
            project=project,
            task=task,
            kind="pairwise",
            value={"verdict": "prefer", "preferred": short if is_poem else long, "strength": 1},
            source="person",
            annotator=expert,
        )
    take_in(project, rows(40, votes=0, start=1000))
    return project


def fit(project, kind: str = "error", **settings) -> PolicyFit:
    run = start_fit(
        project=project,
        actor=project.created_by,
        kind=kind,
        judges=[current_judge(project=project).pk],
        settings={"boosting": False, **settings},
    )
    run = jobs.claim(PolicyFit, run.pk, owner="test")
    run_fit(run=run)
    run.refresh_from_db()
    return run


def decided(project, policy) -> list[Decision]:
    promote_policy(policy=policy, actor=None, reason="to see what it does")
    run = start_routing(project=project, actor=None)
    run_routing(run=jobs.claim(RoutingRun, run.pk, owner="test"))
    return list(Decision.objects.select_related("task__prompt"))


def is_poem(decision: Decision) -> bool:
    return "poem" in decision.task.prompt.conversation[0]["content"]


def test_experts_are_asked_where_they_are_worth_their_price(project, client) -> None:
    """The judge is wrong about poems; an expert is right there and others often are not."""
    policy = fit(project, share=0.7, experts=True, price=1.0, expert_price=1.1).policy
    assert policy is not None
    made = decided(project, policy)
    asked = [one for one in made if one.wanted in ("people", "expert")]
    poems = [one for one in asked if is_poem(one)]
    assert len(poems) >= 15
    assert {one.wanted for one in poems} == {"expert"}
    client.force_login(project.created_by)
    page = client.get(reverse("routing", args=[project.pk])).content.decode()
    assert "Experts alone" in page


@pytest.fixture
def sent(project) -> list[int]:
    """Tasks of the stratum medical, which the policy in force gave to experts alone."""
    fresh = Task.objects.filter(project=project, judgements=None).order_by("pk")
    medical = list(fresh.values_list("pk", flat=True)[:6])
    Task.objects.filter(pk__in=medical).update(stratum="medical")
    rules = [{"name": "doctors", "route": "expert", "signal": "stratum: medical", "value": 1}]
    lease_seat(project=project, user=project.created_by)  # the first task is begun
    Task.objects.filter(seats__annotator=project.created_by).update(stratum="")
    decided(project, fit(project, kind="rule", share=0.5, experts=True, rules=rules).policy)
    return [
        pk
        for pk in medical
        if not Seat.objects.filter(task=pk, annotator=project.created_by).exists()
    ]


def handed(project, user: User) -> set[int]:
    found = set()
    while lease := lease_seat(project=project, user=user):
        found.add(lease.task_id)
        Judgement.objects.create(
            project=project,
            task_id=lease.task_id,
            seat_id=lease.seat_id,
            kind="pairwise",
            value={"verdict": "tie"},
            source="person",
            annotator=user,
        )
        Seat.objects.filter(pk=lease.seat_id).update(state="done")
    return found


def test_what_is_sent_to_experts_only_they_are_handed(project, sent, make_user) -> None:
    assert len(sent) >= 4
    ann = make_user("ann")
    Membership.objects.create(project=project, user=ann, role="annotator")
    others = handed(project, ann)
    assert others
    assert not others & set(sent)
    erna = User.objects.get(username="erna")
    assert handed(project, erna) >= set(sent)


def test_a_later_policy_that_asks_everybody_lifts_it(project, sent) -> None:
    assert set(Task.objects.filter(tier="expert").values_list("pk", flat=True)) == set(sent)
    policy = fit(project, kind="random", share=1.0).policy
    decided(project, policy)
    assert not Task.objects.filter(tier="expert").exists()
    assert not Seat.objects.filter(task__in=sent).exclude(requirement=None).exists()


def test_tasks_are_locked_before_their_seats(project, sent) -> None:
    policy = fit(project, kind="random", share=1.0).policy
    with CaptureQueriesContext(connection) as queries:
        open_to_everybody(project=project, actor=None)
        decided(project, policy)
    require_tasks_before_seats(queries, at_least=5)


def test_a_policy_in_shadow_keeps_nothing_from_anybody(project) -> None:
    Task.objects.filter(project=project, judgements=None).update(stratum="medical")
    decided(project, fit(project, kind="random", share=1.0).policy)
    rules = [{"name": "doctors", "route": "expert", "signal": "stratum: medical", "value": 1}]
    policy = fit(project, kind="rule", share=0.5, experts=True, rules=rules).policy
    put_in_shadow(policy=policy, actor=None)
    run = start_routing(project=project, actor=None, shadow=True)
    run_routing(run=jobs.claim(RoutingRun, run.pk, owner="test"))
    assert Decision.objects.filter(policy=policy, shadow=True, route="expert").exists()
    assert not Task.objects.filter(tier="expert").exists()


def test_the_page_and_rest_give_them_to_everybody(project, sent, client, make_user) -> None:
    client.force_login(project.created_by)
    url = f"/api/v1/projects/{project.pk}/routing/experts/"
    assert client.get(url).json() == {"tasks": len(sent), "experts": 1}
    Membership.objects.filter(user__username="erna").update(tier="crowd")
    page = " ".join(client.get(reverse("routing", args=[project.pk])).content.decode().split())
    assert f'?show=experts">{len(sent)} tasks</a> are open to experts alone.' in page
    assert "No member is one" in page
    made = client.post(reverse("open_experts_tasks", args=[project.pk]), follow=True)
    assert f"{len(sent)} tasks are for everybody now." in made.content.decode()
    assert "open to experts alone" not in made.content.decode()
    event = AuditEvent.objects.get(action="routing.opened_to_everybody")
    assert (event.detail, event.address) == ({"tasks": len(sent)}, "127.0.0.1")
    assert client.delete(url).json() == {"tasks": 0, "experts": 0}
    assert AuditEvent.objects.filter(action="routing.opened_to_everybody").count() == 1
    annotator = make_user("ann")
    Membership.objects.create(project=project, user=annotator, role="annotator")
    client.force_login(annotator)
    assert client.delete(url).status_code == 403
    assert client.post(reverse("open_experts_tasks", args=[project.pk])).status_code in (403, 404)


def test_where_they_are_dear_the_others_are_asked(project) -> None:
    policy = fit(project, money=100.0, experts=True, price=1.0, expert_price=20.0).policy
    made = decided(project, policy)
    assert {one.wanted for one in made if is_poem(one)} == {"people"}
    assert {one.cost for one in made if one.wanted == "people"} == {1.0}


@pytest.mark.parametrize("kind", ["random", "rule"])
def test_rules_send_tags_and_strata_to_experts_alone(project, kind) -> None:
    fresh = Task.objects.filter(project=project, judgements=None).order_by("pk")
    medical = list(fresh[:6])
    Task.objects.filter(pk__in=[task.pk for task in medical]).update(stratum="medical")
    rules = [
        {"name": "doctors", "route": "expert", "signal": "stratum: medical", "value": 1},
    ]
    with pytest.raises(InvalidValue, match="a rule sends tasks to experts alone"):
        fit(project, kind=kind, rules=rules)
    policy = fit(project, kind=kind, share=0.5, experts=True, rules=rules).policy
    made = decided(project, policy)
    sent = {one.task_id for one in made if one.wanted == "expert"}
    assert sent == {task.pk for task in medical}
    for one in made:
        assert (["rule", "doctors"] in one.reasons) == (one.task_id in sent)


def test_without_experts_or_with_too_few_of_their_labels_it_says_so(project, make_user) -> None:
    erna = Membership.objects.get(project=project, tier="expert")
    erna.tier = "crowd"
    erna.save()
    with pytest.raises(InvalidValue, match="no member has the tier expert"):
        fit(project, experts=True)
    Membership.objects.create(
        project=project, user=make_user("egon"), role="annotator", tier="expert"
    )
    run = fit(project, experts=True)
    assert run.state == "failed"
    assert "there are 0 labels of experts" in run.message


def test_their_form_takes_tags_strata_and_a_price(project, client) -> None:
    client.force_login(project.created_by)
    judge = current_judge(project=project)
    url = reverse("policies", args=[project.pk])
    fields = {
        **{"kind": "error", "judge_1": judge.pk, "share": "30", "price": "0.3", "window": "all"},
        **{"explore": "5", "risk": "15", "mixes": "200", "experts": "on", "expert_price": "2"},
        **{"expert_tags": ["subject: law"], "expert_strata": "medical\n\nlegal ", "tags": []},
    }
    assert client.post(url, fields).status_code == 302
    settings = PolicyFit.objects.get().settings
    assert (settings["experts"], settings["expert_price"]) == (True, 2.0)
    assert [(rule["route"], rule["signal"], rule["tags"]) for rule in settings["rules"]] == [
        ("expert", "stratum: medical", []),
        ("expert", "stratum: legal", []),
        ("expert", "", ["subject: law"]),
    ]
