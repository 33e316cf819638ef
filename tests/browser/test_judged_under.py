"""Judgements under what the task says: an anchor, a criterion, prompts of their own."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotate.models import Judgement, Task
from tests.browser.contents import (
    demo,
    enter,
    make_project,
    problem,
    shown_ids,
    submit,
    wait_for_draft,
)
from tests.browser.desk import PHONE, arrive, open_desk, option, reload

TOPICS = ("everyday-01", "everyday-02")
STATED = {"criterion": "Which answer is safer?", "situation": "The reader is a child."}


def anchored(ids: list[int]) -> dict:
    return {"anchor": ids[1]}


def stated(ids: list[int]) -> dict:
    return STATED


def prompts(ids: list[int]) -> dict:
    return {"prompts": {str(ids[0]): [{"role": "user", "content": "How do I boil *rice*?"}]}}


@pytest.fixture
def open_kind(open_browser, ada):
    """open_kind(kind, generators, context of ids, settings={}, **options) -> the work page."""

    def open_(kind: str, generators: str, context, settings=None, **options) -> Page:
        tasks = [demo(topic, *generators.split()) for topic in TOPICS]
        project = make_project(ada, kind, settings or {}, *tasks)
        for task in Task.objects.filter(project=project):
            task.context = context(sorted(task.responses.values_list("pk", flat=True)))
            task.save()
        page = open_browser(ada, **options)
        open_desk(page, project)
        return page

    return open_


def letter_of(page: Page, pk: int) -> str:
    return "ABC"[shown_ids(page).index(pk)]


def test_similarity_by_keys_then_by_mouse(open_kind):
    page = open_kind("similarity", "Brook Flint Magpie", anchored)
    anchor = sorted(shown_ids(page))[1]
    letter = letter_of(page, anchor)
    expect(page.locator(".asks")).to_have_text(f"Which one is closer to {letter}?")
    expect(page.locator(f"#letter-{letter}")).to_contain_text("The one to compare with")
    others = [pk for pk in shown_ids(page) if pk != anchor]
    page.keyboard.press("1")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert enter(page) == {
        "verdict": "closer",
        "closer": others[1],
        "anchor": anchor,
    }
    anchor = sorted(shown_ids(page))[1]
    option(page, "Can't tell").check()
    assert submit(page) == {"verdict": "cant_tell", "anchor": anchor}


def test_similarity_keeps_a_draft_and_can_be_changed(open_kind):
    page = open_kind("similarity", "Brook Flint Magpie", anchored, {"confidence": True}, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".scale .option").first.tap()
    page.get_by_role("button", name="Submit").tap()
    expect(problem(page)).to_have_text("Say how sure you are.")
    wait_for_draft(page)
    page.evaluate("localStorage.clear()")
    reload(page)
    expect(page.locator(".scale input").first).to_be_checked()
    page.get_by_label("Fairly sure").check()
    first = submit(page)
    assert (first["verdict"], first["confidence"]) == ("closer", "fairly")
    page.get_by_role("link", name="Undo").click()
    arrive(page, "/judgements/[0-9]+/.*")
    option(page, "Can't tell").check()
    page.get_by_role("button", name="Save the change").click()
    arrive(page, "/work/")
    assert Judgement.objects.current().get().value["verdict"] == "cant_tell"


def test_similarity_without_scripts(open_browser, ada):
    project = make_project(ada, "similarity", {}, demo(TOPICS[0], "Brook", "Flint", "Magpie"))
    page = open_browser(ada, java_script_enabled=False)
    page.goto(reverse("work", args=[project.pk]))
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    assert Judgement.objects.get().value["verdict"] == "closer"


def test_context_is_stated_over_the_scale(open_kind):
    page = open_kind("context", "Brook Magpie", stated)
    place = page.get_by_role("region", name="What to judge by")
    expect(place).to_contain_text("Which answer is safer?")
    expect(place).to_contain_text("The reader is a child.")
    ids = shown_ids(page)
    page.keyboard.press("2")
    with page.expect_response(re.compile("/submit/")):
        page.keyboard.press("Enter")
    value = Judgement.objects.get().value
    assert (value["preferred"], value["under"]) == (ids[0], "Which answer is safer?")


def test_context_on_a_phone_stands_over_the_scale_too(open_kind):
    page = open_kind("context", "Brook Magpie", stated, **PHONE)
    stands = page.locator(".stated").bounding_box()
    scale = page.locator(".scale").bounding_box()
    assert stands["y"] + stands["height"] <= scale["y"]
    assert scale["y"] + scale["height"] <= 844
    option(page, "Tie: equally good").check()
    assert submit(page)["verdict"] == "tie"


def test_a_task_that_states_nothing_says_so(open_kind):
    page = open_kind("context", "Brook Magpie", lambda ids: {})
    expect(page.locator(".stated")).to_contain_text("does not say what to judge by")


def test_joint_shows_each_response_under_its_prompt(open_kind):
    page = open_kind("joint", "Brook Magpie", prompts)
    expect(page.get_by_role("region", name="Prompt", exact=True)).to_be_hidden()
    own = letter_of(page, min(shown_ids(page)))
    other = "B" if own == "A" else "A"
    expect(page.get_by_role("region", name=f"Prompt of {own}")).to_contain_text("boil rice?")
    expect(page.get_by_role("region", name=f"Prompt of {other}")).to_contain_text("eggs")
    expect(page.locator("[aria-label^='Prompt of'] .role")).to_have_text(["User", "User"])
    above = page.get_by_role("region", name=f"Prompt of {own}").bounding_box()
    below = page.locator(f"#response-{own}").bounding_box()
    assert above["y"] + above["height"] <= below["y"] + 1
    ids = shown_ids(page)
    page.keyboard.press("7")
    with page.expect_response(re.compile("/submit/")):
        page.keyboard.press("Enter")
    assert Judgement.objects.get().value == {
        "verdict": "prefer",
        "preferred": ids[1],
        "strength": 3,
    }
