"""A new policy is compared with the one in force on the same held-out prompts, whatever changed."""

import pytest
from django.urls import reverse

from annotate.inputs import InvalidValue
from annotate.models import Judge
from annotate.services import jobs
from routing import judges as judge_kinds
from routing.models import (
    PolicyFit,
    PolicyJudge,
    PromptTagging,
    RoutingPolicy,
    TaggerChoice,
    model_tagger,
)
from routing.services.fitting import run_fit
from routing.services.policies import current_judge, promote_policy, save_policy, start_fit
from tests.routing.length_judge import LengthJudge
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, length_judge):
    """The judge likes length, which is wrong of every poem, half of all."""
    project = make_project(overlap=1, seed=3, test_percent=40)
    take_in(project, rows(100, votes=2))
    return project


def fit(project, kind: str, **settings) -> RoutingPolicy:
    """Of the kinds that learn nothing: a fit is quick, and its figures can be reckoned."""
    judge = current_judge(project=project)
    run = start_fit(project=project, actor=None, kind=kind, judges=[judge.pk], settings=settings)
    run_fit(run=jobs.claim(PolicyFit, run.pk, owner="test"))
    run.refresh_from_db()
    assert run.policy is not None, run.message
    return run.policy


def tag_poems_as_unsafe(project) -> None:
    """By another tagger than the rules, who find no harm in them."""
    model = Judge.objects.create(project=project, name="tagger", version=1, kind="openai")
    TaggerChoice.objects.create(project=project, judge=model)
    for one in PromptTagging.objects.filter(prompt__project=project).select_related("prompt"):
        poem = "poem" in one.prompt.last_turn
        answer = {**one.answer, "safety": "high" if poem else "safe"}
        PromptTagging.objects.create(
            prompt=one.prompt, tagger=model_tagger(model.pk), answer=answer
        )


def test_each_is_scored_with_its_own_features(project) -> None:
    by_chance = promote_policy(policy=fit(project, "random", share=0.6), actor=None)
    tag_poems_as_unsafe(project)
    rule = {"name": "poems", "tags": ["safety: high"]}
    ours = fit(project, "rule", share=0.6, rules=[rule])
    assert (by_chance.spec.version, ours.spec.version) == (1, 2)
    against = ours.metrics["against"]
    assert (against["policy"], against["tasks"]) == (by_chance.pk, ours.metrics["tested_on"])
    assert against["new"] == pytest.approx(0, abs=0.02)
    assert against["old"] == pytest.approx(0.2, abs=0.12)
    assert promote_policy(policy=ours, actor=None).state == "active"  # no reason is needed

    TaggerChoice.objects.all().delete()
    back = fit(project, "random", share=0.6).metrics["against"]
    assert (back["policy"], back["old"]) == (ours.pk, pytest.approx(0, abs=0.02))


def test_a_newer_judge_forbids_no_comparison(project, length_judge) -> None:
    save_policy(project=project, actor=None, threshold=0.9)
    length_judge["scale"] = 1e4  # as wrong, and never so sure
    ours = fit(project, "random", share=0.5)
    against, [alone] = ours.metrics["against"], ours.metrics["all_ai"].values()
    assert (against["people"], against["old"]) == (0, pytest.approx(alone))


def test_why_they_cannot_be_compared_is_told_and_asks_for_a_reason(client, project) -> None:
    in_force = promote_policy(policy=fit(project, "random", share=0.5), actor=None)

    class Silent(LengthJudge):
        def compare(self, items, should_stop):
            yield from ()

    judge_kinds._kinds["silent"] = judge_kinds.JudgeKind("silent", Silent)
    silent = Judge.objects.create(
        project=project, name="silent", version=1, kind="silent", config={"scale": 10.0}
    )
    PolicyJudge.objects.update(judge=silent)
    ours = fit(project, "random", share=0.5)
    tested = ours.metrics["tested_on"]
    missing = ours.metrics["not_compared"]
    why = f"The judges of version {in_force.version} have answered 0 of the {tested} held-out tasks"
    assert missing["policy"] == in_force.pk
    assert missing["message"].startswith(why)
    client.force_login(project.created_by)
    page = client.get(reverse("policy", args=[ours.pk])).content.decode()
    assert f"It could not be compared with the policy in force ({why}" in page
    with pytest.raises(InvalidValue, match=r"0 of the .* say why"):
        promote_policy(policy=ours, actor=None)
    promote_policy(policy=ours, actor=None, reason="the judge is gone")

    Judge.objects.filter(pk=silent.pk).update(kind="gone")
    promote_policy(policy=in_force, actor=None, reason="back")
    again = fit(project, "random", share=0.5)
    assert "unknown judge kind 'gone'" in again.metrics["not_compared"]["message"]
