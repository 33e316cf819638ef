"""A panel's participant in a real browser: link, consent, tasks, code; and the manager's pages."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from annotate.models import Participation
from annotate.services.people.consents import set_consent
from annotate.services.people.panels import create_study
from tests.browser.axe import CALM
from tests.browser.desk import option, ready

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def study(make_project, make_user, make_pair_tasks):
    olga = make_user("olga")
    project = make_project(olga, name="Answers")
    make_pair_tasks(project, 3)
    set_consent(project=project, actor=olga, text="## Terms\n\nBe **kind**.")
    return create_study(
        project=project,
        actor=olga,
        name="Which is better?",
        tasks_each=1,
        return_url="https://panel.example/complete?cc={code}",
    )


def test_from_the_link_to_the_code(open_browser, study, axe) -> None:
    page = open_browser(**CALM)
    page.goto(f"{reverse('panel_entry', args=[study.code])}?PROLIFIC_PID=5f1a&SESSION_ID=x1")
    expect(page.get_by_role("heading", name="Which is better?")).to_be_visible()
    axe.look(page, "a panel's study")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="Please read this")).to_be_visible()
    axe.look(page, "consent of a participant")
    page.get_by_role("button", name="I agree, go on").click()
    ready(page)
    option(page, "A is better").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="You are done. Thank you!")).to_be_visible()
    expect(page.locator("[data-code]")).to_have_text(study.code_completed)
    back = f"https://panel.example/complete?cc={study.code_completed}"
    expect(page.get_by_role("link", name="Back to the panel")).to_have_attribute("href", back)
    axe.look(page, "a participation's end")
    row = Participation.objects.get()
    assert (row.state, row.done) == ("completed", 1)


def test_who_does_not_agree_gets_a_code(open_browser, study) -> None:
    page = open_browser()
    page.goto(f"{reverse('panel_entry', args=[study.code])}?PROLIFIC_PID=5f1a")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("button", name="I do not agree").click()
    expect(page.locator("[data-code]")).to_have_text(study.code_no_consent)


def test_a_manager_s_pages(open_browser, study, axe) -> None:
    page = open_browser(study.project.created_by, **CALM)
    page.goto(reverse("panels", args=[study.project_id]))
    axe.look(page, "panels")
    page.get_by_label("Name").fill("Another")
    page.get_by_role("button", name="Make the study").click()
    expect(page.get_by_role("heading", name="Another", level=1)).to_be_visible()
    axe.look(page, "a panel without participants")
    other = open_browser()
    other.goto(f"{reverse('panel_entry', args=[study.code])}?PROLIFIC_PID=5f1a")
    other.get_by_role("button", name="Begin").click()
    expect(other.get_by_role("heading", name="Please read this")).to_be_visible()
    page.goto(reverse("panel", args=[study.pk]))
    axe.look(page, "a panel with a participant")
    page.get_by_role("button", name="5f1a: Returned").click()
    expect(page.get_by_text("5f1a: Returned. Nothing is held any more.")).to_be_visible()
    expect(page.get_by_role("button", name="5f1a: Returned")).to_have_count(0)
