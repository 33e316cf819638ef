"""axe-core finds nothing wrong where tasks wait for experts, and where answers are known."""

import os

from django.urls import reverse
from playwright.sync_api import Page, expect

from annotate.models import Judgement, Membership, Task
from annotate.services.work.gold import set_gold
from annotate.services.work.requirements import keep_for_experts
from routing.services.policies import current_judge
from tests.browser.axe import CALM, Axe
from tests.routing.planted import rows, take_in


def shoot(page: Page, name: str) -> None:
    if os.environ.get("SHOTS"):
        page.screenshot(path=f"{os.environ['SHOTS']}/{name}.png", full_page=True)


def test_what_waits_for_experts_and_what_a_judge_knows(
    open_browser, make_project, length_judge, axe: Axe
) -> None:
    project = make_project(name="Answers", overlap=1)
    take_in(project, rows(8, votes=0))
    owner = project.created_by
    tasks = list(Task.objects.order_by("pk"))
    for task in tasks[:3]:
        keep_for_experts(task_id=task.pk)
    page = open_browser(owner, **CALM)
    page.goto(reverse("routing", args=[project.pk]))
    expect(page.get_by_text("No member is one")).to_be_visible()
    axe.look(page, "routing, no expert")
    shoot(page, "experts-none")
    Membership.objects.filter(user=owner).update(tier="expert")
    page.reload()
    expect(
        page.get_by_text("3 tasks are open to experts alone. 1 member is an expert.")
    ).to_be_visible()
    shoot(page, "experts")
    page.set_viewport_size({"width": 390, "height": 800})
    shoot(page, "experts-narrow")
    page.get_by_role("button", name="Give them to everybody").click()
    expect(page.get_by_text("3 tasks are for everybody now.")).to_be_visible()
    expect(page.get_by_role("button", name="Give them to everybody")).to_have_count(0)

    judge = current_judge(project=project)
    for number, task in enumerate(tasks[4:]):
        pks = sorted(task.responses.values_list("pk", flat=True))
        value = {"verdict": "prefer", "preferred": pks[0], "strength": 1}
        set_gold(task=task, actor=owner, value=value)
        Judgement.objects.create(
            project=project,
            task=task,
            kind="pairwise",
            value={**value, "preferred": pks[number == 0]},
            source="judge",
            judge=judge,
            shown_order=pks,
            is_gold=True,
        )
    page.goto(reverse("judge", args=[judge.pk]))
    expect(page.get_by_text("3 of 4 right; 95 % interval")).to_be_visible()
    axe.look(page, "judge, known answers")
    shoot(page, "known")
