"""Norming and discussions in the browser, and axe-core on their pages."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.axe import CALM, Axe
from tests.browser.desk import question


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    project = make_project()
    project.people = [make_user(name) for name in ("ada", "bob")]
    for person in project.people:
        add_member(project, person)
    make_pair_tasks(project, 8)
    return project


def test_two_people_are_normed_and_talk_about_it(open_browser, project, axe: Axe) -> None:
    page = open_browser(project.created_by, **CALM)
    page.goto(reverse("norming_sessions", args=[project.pk]))
    page.get_by_label("Name").fill("First round")
    page.get_by_label("Tasks drawn").fill("1")
    page.get_by_label("ada").check()
    page.get_by_label("bob").check()
    axe.look(page, "norming sessions")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("First round")
    session = page.url
    asked = set()
    for person, key in zip(project.people, ("1", "4"), strict=True):
        desk = open_browser(person, **CALM)
        desk.goto(reverse("work", args=[project.pk]))
        expect(desk.locator("html[data-ready]")).to_be_attached()
        asked.add(question(desk))
        desk.keyboard.press(key)
        desk.keyboard.press("Enter")
        expect(desk.locator(".turn.last .prose")).not_to_have_text(next(iter(asked)))
    assert len(asked) == 1

    ada = open_browser(project.people[0], **CALM)
    ada.goto(session)
    expect(ada.get_by_text("They differ")).to_be_visible()
    axe.look(ada, "a norming session compared")
    ada.get_by_role("link", name="Discussion (0 notes)").click()
    ada.get_by_label("Note to others").fill("@bob, B has no source.")
    ada.get_by_role("button", name="Write").click()
    expect(ada.locator(".said").get_by_text("@bob")).to_be_visible()
    axe.look(ada, "a discussion")

    bob = open_browser(project.people[1], **CALM)
    bob.goto("/")
    bob.get_by_role("link", name="Mentions 1 unread").click()
    axe.look(bob, "mentions")
    bob.get_by_role("link", name="ada on task").click()
    expect(bob.get_by_text("B has no source.")).to_be_visible()
    bob.get_by_role("button", name="Mark as resolved").click()
    expect(bob.get_by_role("button", name="Open again")).to_be_visible()
