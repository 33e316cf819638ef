"""axe-core on reports of quality: while one is computed, full, without anybody, and one's own."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.annotate.judged_by_many import computed, judged_project
from tests.browser.axe import CALM, Axe


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    return judged_project(make_project, make_pair_tasks, make_user, add_member)


def test_quality(open_browser, project, axe: Axe) -> None:
    page = open_browser(project.created_by, **CALM)
    page.goto(reverse("quality", args=[project.pk]))
    axe.look(page, "quality, no report")
    computed(project)
    page.reload()
    expect(page.get_by_text("from 40 judgements")).to_be_visible()
    axe.look(page, "quality, a report")
    page.goto(reverse("quality", args=[project.pk]) + "?voices=judges")
    axe.look(page, "quality of judges")
    page.goto(f"/tasks/{project.all[0].pk}/")
    axe.look(page, "a task with its consensus")
    page.goto(reverse("quality_tasks", args=[project.pk]))
    axe.look(page, "most divided tasks")


def test_own_figures(open_browser, project, axe: Axe) -> None:
    project.own_figures = True
    project.save()
    computed(project)
    page = open_browser(project.people[0], **CALM)
    page.goto(reverse("my_quality", args=[project.pk]))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    axe.look(page, "own figures")
