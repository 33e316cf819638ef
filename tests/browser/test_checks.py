"""Known answers, training, quiz and pay in the browser; axe-core on their pages."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotate.models import GoldItem, Membership, Standing, Task, User
from annotate.services.people.pay import set_rate
from annotate.services.people.standing import set_rules
from annotate.services.work.gold import set_gold
from tests.browser.axe import CALM, Axe
from tests.browser.desk import answer, open_desk, option

TIE = {"verdict": "tie"}


@pytest.fixture
def project(make_project, make_user, add_member, make_pair_tasks):
    project = make_project(make_user("olga"), name="Answers")
    add_member(project, make_user("ada"))
    tasks = make_pair_tasks(project, 6)
    for task, use in zip(tasks[3:], ["training", "quiz", "hidden"], strict=True):
        set_gold(
            task=task,
            actor=project.created_by,
            value=TIE,
            use=use,
            explanation="Because **both** say so.",
        )
    set_rules(project=project, actor=project.created_by, training=True, quiz_pass_percent=100)
    return project


def submit(page: Page, name: str) -> None:
    """An answer that the browser sends itself, as there is no seat."""
    expect(page.locator("html[data-ready]")).to_be_attached()
    option(page, name).check()
    page.get_by_role("button", name="Submit").click()


def test_from_training_and_quiz_to_real_tasks_and_their_limit(
    open_browser, project, axe: Axe
) -> None:
    page = open_browser(User.objects.get(username="ada"), **CALM)
    page.goto(reverse("work", args=[project.pk]))
    expect(page.get_by_role("heading", name="First some training")).to_be_visible()
    axe.look(page, "before the training")
    page.get_by_role("button", name="Begin the training").click()
    expect(page.get_by_role("heading", name="Training: 1 of 1")).to_be_visible()
    axe.look(page, "an item of the training")
    submit(page, "A is slightly better")
    expect(page.get_by_role("heading", name="Not quite")).to_be_visible()
    expect(page.get_by_text("Because both say so.")).to_be_visible()
    axe.look(page, "told what is right")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("heading", name="First a quiz")).to_be_visible()
    page.get_by_role("button", name="Begin the quiz").click()
    submit(page, "A is slightly better")
    expect(page.get_by_role("heading", name="You did not pass the quiz")).to_be_visible()
    axe.look(page, "not passed")
    page.get_by_role("button", name="Try again").click()
    submit(page, "Tie: equally good")
    expect(page.get_by_role("heading", name="You passed the quiz")).to_be_visible()
    set_rules(project=project, actor=project.created_by, cap_day=2)
    open_desk(page, project)
    answer(page, "Tie: equally good")
    option(page, "Tie: equally good").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Enough for now")).to_be_visible()
    expect(page.get_by_text("in 24 hours")).to_be_visible()
    axe.look(page, "at the limit")


def test_a_manager_sets_a_known_answer_and_looks_at_people_and_pay(
    open_browser, project, axe: Axe
) -> None:
    member = Membership.objects.get(user__username="ada")
    Standing.objects.create(membership=member)
    set_rate(project=project, actor=project.created_by, basis="piece", amount="0.1", currency="EUR")
    page = open_browser(project.created_by, **CALM)
    task = Task.objects.filter(project=project, gold_item=None).first()
    page.goto(reverse("task", args=[task.pk]))
    page.get_by_role("link", name="Set the known answer").click()
    expect(page.locator("html[data-ready]")).to_be_attached()
    axe.look(page, "setting a known answer")
    option(page, "Tie: equally good").check()
    page.get_by_label("Why?").fill("They are the same.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The known answer is set.")).to_be_visible()
    expect(page.get_by_text("They are the same.").first).to_be_visible()
    axe.look(page, "a task with a known answer")
    item = GoldItem.objects.select_related("task").get(task=task)
    assert (item.task.gold, item.use) == (TIE, "hidden")
    page.goto(reverse("gold", args=[project.pk]))
    page.get_by_role("button", name="Pause ada").click()
    expect(page.get_by_text("by a manager")).to_be_visible()
    axe.look(page, "known answers")
    page.get_by_role("link", name="Quiz and limits").click()
    expect(page.get_by_role("heading", name="How people stand")).to_be_visible()
    axe.look(page, "quiz and limits")
    page.get_by_role("link", name="Pay", exact=True).click()
    expect(page.get_by_role("heading", name="Rates")).to_be_visible()
    axe.look(page, "pay")
