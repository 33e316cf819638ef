"""Ranking on the work page: by mouse, by touch, by keys alone, without scripts."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotate.models import Judgement
from tests.browser.contents import (
    demo,
    make_project,
    problem,
    shown_ids,
    submit,
    wait_for_draft,
)
from tests.browser.desk import (
    PHONE,
    arrive,
    counted,
    open_desk,
    past_a_second_press,
    reload,
    revise,
)

TOPICS = ("everyday-01", "everyday-02", "everyday-04")
ALL = ("Brook", "Flint", "Lantern", "Magpie")
FULL = {"modes": ["full", "best_worst"]}


@pytest.fixture
def open_ranking(open_browser, ada):
    """open_ranking(settings=FULL, **context) -> the page of a project that ranks."""

    def open_(settings=FULL, **options) -> Page:
        tasks = [demo(topic, *ALL) for topic in TOPICS]
        project = make_project(ada, "ranking", settings, *tasks)
        page = open_browser(ada, **options)
        open_desk(page, project)
        return page

    return open_


def chip(page: Page, letter: str):
    return page.locator(f".chip[data-letter={letter}]")


def middle(locator) -> tuple[float, float]:
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, letter: str, x: float, y: float) -> None:
    page.mouse.move(*middle(chip(page, letter)))
    page.mouse.down()
    page.mouse.move(x, y, steps=4)
    page.mouse.up()


def order(page: Page) -> list[str]:
    """The tiers as letters, best first."""
    tiers = page.locator(".tier:not(.open)")
    return tiers.evaluate_all(
        "all => all.map(one => [...one.querySelectorAll('.chip')]"
        ".map(chip => chip.dataset.letter).join(''))"
    )


def letters(ids: list[int], value: dict) -> list[str]:
    """The tiers of a value as letters; `ids` are those of the responses shown, from A on."""
    by_id = dict(zip(ids, "ABCDEFGHIJ", strict=False))
    return ["".join(sorted(by_id[pk] for pk in tier)) for tier in value["tiers"]]


def test_by_dragging(open_ranking):
    page = open_ranking()
    ids = shown_ids(page)
    left = chip(page, "A").bounding_box()["x"]
    drag(page, "C", left - 6, middle(chip(page, "A"))[1])
    assert order(page) == ["C", "A", "B", "D"]
    drag(page, "D", *middle(chip(page, "A")))
    assert order(page) == ["C", "AD", "B"]
    drag(page, "B", *middle(page.get_by_role("button", name="Can't rank")))
    assert order(page) == ["C", "AD"]
    expect(page.get_by_label("Why can B not be ranked?")).to_be_visible()
    page.get_by_role("button", name="Submit").click()
    expect(problem(page)).to_have_text("Say why B cannot be ranked.")
    expect(page.get_by_label("Why can B not be ranked?")).to_be_focused()
    page.get_by_label("Why can B not be ranked?").fill("cut off")
    value = submit(page)
    assert letters(ids, value) == ["C", "AD"]
    assert value["unrankable"] == {str(ids[1]): "cut off"}


def test_a_drag_let_go_far_off_or_broken_off_moves_nothing(open_ranking):
    page = open_ranking()
    page.keyboard.press("y")
    drag(page, "B", 400, 200)
    assert order(page) == ["A", "B", "C", "D"]
    page.mouse.move(*middle(chip(page, "B")))
    page.mouse.down()
    page.mouse.move(*middle(chip(page, "D")), steps=3)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert order(page) == ["A", "B", "C", "D"]


def test_by_touch(open_ranking):
    page = open_ranking(**PHONE)
    ids = shown_ids(page)
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        dots = [{"x": x, "y": y} for x, y in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": dots})

    start, end = middle(chip(page, "D")), middle(chip(page, "B"))
    send("touchStart", start)
    for share in (0.2, 0.6, 1):
        x, y = (a + (b - a) * share for a, b in zip(start, end, strict=True))
        send("touchMove", (x, y))
    send("touchEnd")
    assert order(page) == ["A", "BD", "C"]
    chip(page, "C").tap()
    expect(chip(page, "C")).to_be_focused()
    page.get_by_role("button", name="Better").tap()
    assert order(page) == ["A", "C", "BD"]
    assert letters(ids, submit(page)) == ["A", "C", "BD"]


def test_the_hand_goes_to_the_reason_and_back_to_what_has_no_place(open_ranking):
    page = open_ranking()
    ids = shown_ids(page)
    page.keyboard.press("2")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.type("cut off")
    page.keyboard.press("Enter")
    expect(problem(page)).to_be_hidden()
    apart = page.locator(".apart .chip")
    expect(apart).to_be_focused()
    letter = apart.get_attribute("data-letter")
    rest = [one for one in "ACD" if one != letter]
    for one in rest:
        page.keyboard.press(str("ABCD".index(one) + 1))
    assert order(page) == ["B", *rest]
    value = submit(page)
    assert letters(ids, value) == ["B", *rest]
    assert value["unrankable"] == {str(ids["ABCD".index(letter)]): "cut off"}


def test_tapping_from_best_to_worst(open_ranking):
    page = open_ranking(**PHONE)
    ids = shown_ids(page)
    for letter in "CAD":
        chip(page, letter).tap()
    page.get_by_role("button", name="Submit").tap()
    expect(problem(page)).to_have_text("Give a place to: B")
    chip(page, "B").tap()
    assert letters(ids, submit(page)) == ["C", "A", "D", "B"]
    for target in page.locator(".chip, .rank-moves .button:visible, .ways .option").all():
        assert target.bounding_box()["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_by_keys_alone(open_ranking):
    page = open_ranking()
    ids = shown_ids(page)
    for key in ("3", "1", "4", "t", "2"):
        page.keyboard.press(key)
    assert order(page) == ["C", "AD", "B"]
    expect(page.locator("[data-announce]")).to_have_text("B: place 3 of 3")
    page.keyboard.press("Shift+ArrowLeft")
    assert order(page) == ["C", "B", "AD"]
    page.keyboard.press("ArrowRight")
    expect(chip(page, "A")).to_be_focused()
    expect(chip(page, "A")).to_have_accessible_name("A: place 3 of 3, tied with D")
    page.keyboard.press("Shift+ArrowRight")
    assert order(page) == ["C", "B", "D", "A"]
    page.keyboard.press("Backspace")
    assert order(page) == ["C", "B", "D"]
    page.keyboard.press(" ")
    page.keyboard.press("x")
    expect(page.get_by_label("Why can A not be ranked?")).to_be_focused()
    page.keyboard.type("I cannot check it")
    with page.expect_response(re.compile("/submit/")):
        page.keyboard.press("Control+Enter")
    value = Judgement.objects.get().value
    assert letters(ids, value) == ["C", "B", "D"]
    assert value["unrankable"] == {str(ids[0]): "I cannot check it"}


def test_the_order_shown_is_no_answer_until_it_is_said_to_be_right(open_ranking):
    page = open_ranking()
    ids = shown_ids(page)
    past_a_second_press(page)
    page.keyboard.press("Enter")
    expect(problem(page)).to_contain_text("say that the order shown is right")
    assert not Judgement.objects.exists()
    page.get_by_role("button", name="This order is right").click()
    assert submit(page) == {"verdict": "full", "tiers": [[pk] for pk in ids]}


def test_best_and_worst_by_two_keys_and_by_two_clicks(open_ranking):
    page = open_ranking({"confidence": True})
    ids = shown_ids(page)
    best, worst = (page.get_by_role("group", name=name) for name in ("Best", "Worst"))
    past_a_second_press(page)
    page.keyboard.press("Enter")
    expect(problem(page)).to_have_text(
        "Choose the best response. And 2 more, each marked at its place."
    )
    expect(best.get_by_text("Choose the best response.")).to_be_visible()
    expect(worst.get_by_text("Choose the worst response.")).to_be_visible()
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    expect(problem(page)).to_have_text(
        "Choose the worst response. And 1 more, each marked at its place."
    )
    expect(best.locator(".wrong")).to_be_hidden()
    sure = page.locator("[data-confidence]")
    expect(sure.get_by_text("Say how sure you are.")).to_be_visible()
    page.keyboard.press("Shift+Digit1")
    page.keyboard.press("Enter")
    expect(problem(page)).to_have_text("Say how sure you are.")
    expect(page.locator(".ranking .wrong:visible")).to_have_count(0)
    fairly = {"confidence": "fairly"}
    page.get_by_label("Fairly sure").check()
    assert submit(page) == {"verdict": "best_worst", "best": ids[2], "worst": ids[0], **fairly}
    ids = shown_ids(page)
    page.get_by_label("Fairly sure").check()
    page.get_by_role("group", name="Best").get_by_label("A", exact=True).check()
    page.get_by_role("group", name="Worst").get_by_label("A", exact=True).check()
    page.get_by_role("group", name="Best").get_by_label("D", exact=True).check()
    assert submit(page) == {"verdict": "best_worst", "best": ids[3], "worst": ids[0], **fairly}


def test_all_bad_by_one_key_and_back_to_an_order(open_ranking):
    page = open_ranking()
    ids = shown_ids(page)
    page.keyboard.press("-")
    expect(page.get_by_role("radio", name="All bad")).to_be_checked()
    assert submit(page) == {"verdict": "all_bad"}
    ids = shown_ids(page)
    page.keyboard.press("=")
    page.keyboard.press("m")
    page.keyboard.press("m")
    page.keyboard.press("y")
    assert letters(ids, submit(page)) == ["A", "B", "C", "D"]


def test_a_draft_comes_back_and_undo_changes_the_answer(open_ranking):
    page = open_ranking()
    ids = shown_ids(page)
    for key in ("2", "4", "t"):
        page.keyboard.press(key)
    wait_for_draft(page)
    page.evaluate("localStorage.clear()")
    reload(page)
    expect(page.locator(".tier:not(.open) .chip")).to_have_count(2)
    assert order(page) == ["BD"]
    expect(page.locator("#letter-B")).to_have_attribute("data-place", "1")
    page.keyboard.press("1")
    page.keyboard.press("3")
    assert letters(ids, submit(page)) == ["BD", "A", "C"]
    revise(page)
    assert order(page) == ["BD", "A", "C"]
    page.keyboard.press("Shift+C")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    arrive(page, "/work/")
    assert letters(ids, Judgement.objects.current().get().value) == ["BD", "C", "A"]


def test_without_scripts(open_browser, ada):
    topic = demo("everyday-01", *ALL)
    project = make_project(ada, "ranking", FULL, topic)
    page = open_browser(ada, java_script_enabled=False)
    page.goto(reverse("work", args=[project.pk]))
    ids = shown_ids_without_scripts(page)
    page.get_by_role("radio", name="Whole order").check()
    expect(page.locator("[data-rail]")).to_be_hidden()
    for letter, place in zip("AB", ("2", "1"), strict=True):
        page.get_by_label(f"Place of {letter}").select_option(place)
    page.get_by_label("Place of D").select_option("Can't rank")
    page.get_by_role("button", name="Submit").click()
    expect(problem(page)).to_have_text("Say why D cannot be ranked. Give a place to: C")
    places = page.locator(".rank-place", has=page.get_by_label("Place of D"))
    expect(places.get_by_text("Say why D cannot be ranked.")).to_be_visible()
    page.get_by_label("Place of C").select_option("2")
    expect(page.get_by_label("Place of A")).to_have_value("2")
    page.get_by_label("Why can D not be ranked?").fill("empty")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    value = Judgement.objects.get().value
    assert letters(ids, value) == ["B", "AC"]
    assert value["unrankable"] == {str(ids[3]): "empty"}


def shown_ids_without_scripts(page: Page) -> list[int]:
    return [int(one.get_attribute("data-response")) for one in page.locator(".response").all()]


def test_ten_responses(open_browser, ada):
    question, texts = demo("everyday-01", *ALL)
    ten = [f"{number}: {texts[number % 4]}" for number in range(10)]
    project = make_project(ada, "ranking", FULL, (question, ten))
    page = open_browser(ada)
    open_desk(page, project)
    ids = shown_ids(page)
    for key in "0987654321":
        page.keyboard.press(key)
    assert order(page) == list("JIHGFEDCBA")
    with page.expect_response(re.compile("/submit/")):
        page.keyboard.press("Enter")
    assert Judgement.objects.get().value["tiers"] == [[pk] for pk in reversed(ids)]


def test_a_second_ranking_of_the_best_alone(open_browser, ada):
    page = open_browser(ada)
    open_desk(page, a_second_ranking(ada, FULL))
    ids = shown_ids(page)
    for key in ("2", "3", "t", "4", "t", "1", "Enter"):
        page.keyboard.press(key)
    second = page.get_by_role("group", name="Which sounds better?")
    expect(second.locator(".chip")).to_have_count(3)
    for key in ("4", "3", "2"):
        page.keyboard.press(key)
    answers = submit(page)["answers"]
    assert letters(ids, answers["first"]) == ["BCD", "A"]
    assert letters(ids, answers["tone"]) == ["D", "C", "B"]


def a_second_ranking(owner, settings: dict):
    """A project that ranks all, and then those of the first place once more."""
    first = {"name": "first", "title": "Which is better?", "kind": "ranking", "settings": FULL}
    best = {"name": "tone", "title": "Which sounds better?", "kind": "ranking"}
    best |= {"responses": {"of": "first", "side": "chosen"}, "settings": settings}
    tasks = [demo(topic, *ALL) for topic in TOPICS]
    return make_project(owner, "form", {"questions": [first, best]}, *tasks)


@pytest.mark.parametrize("modes", [["best_worst"], ["best_worst", "full"]])
def test_of_two_of_four_the_order_alone_is_asked(open_browser, ada, modes):
    page = open_browser(ada)
    open_desk(page, a_second_ranking(ada, {"modes": modes}))
    ids = shown_ids(page)
    second = page.get_by_role("group", name="Which sounds better?")
    ends = second.get_by_role("radio", name="Best and worst")
    for key in ("2", "3", "t", "4", "t", "1"):
        page.keyboard.press(key)
    expect(ends).to_be_visible()
    expect(second.locator(".end")).to_have_count(2)
    expect(second.locator(".rail")).to_be_hidden()
    chip(page, "D").first.click()
    page.keyboard.press("Shift+ArrowRight")
    expect(second.locator(".chip")).to_have_count(2)
    expect(ends).to_be_hidden()
    expect(second.locator(".end").first).to_be_hidden()
    for key in ("Enter", "3", "2"):
        page.keyboard.press(key)
    answers = submit(page)["answers"]
    assert letters(ids, answers["first"]) == ["BC", "D", "A"]
    assert letters(ids, answers["tone"]) == ["C", "B"]


def test_the_order_of_two_without_scripts(open_browser, ada):
    project = a_second_ranking(ada, {"modes": ["best_worst"]})
    page = open_browser(ada, java_script_enabled=False)
    page.goto(reverse("work", args=[project.pk]))
    first = page.get_by_role("group", name="Which is better?")
    second = page.get_by_role("group", name="Which sounds better?")
    first.get_by_role("radio", name="Whole order").check()
    for letter, place in zip("ABCD", "1122", strict=True):
        first.get_by_label(f"Place of {letter}").select_option(place)
    second.get_by_role("radio", name="Whole order").check()
    second.get_by_label("Place of A").select_option("2")
    second.get_by_label("Place of B").select_option("1")
    page.get_by_role("button", name="Submit").click()
    counted(page, 1)
    value = Judgement.objects.get().value["answers"]["tone"]
    assert [len(tier) for tier in value["tiers"]] == [1, 1]


@pytest.mark.parametrize("width", [360, 390])
def test_german_words_have_their_places_on_a_narrow_page(open_ranking, width):
    page = open_ranking(**{**PHONE, "viewport": {"width": width, "height": 800}}, locale="de-DE")
    buttons = page.locator(".bar").get_by_role("button").all()
    assert len(buttons) >= 8
    for button in buttons:
        box = button.bounding_box()
        assert box["x"] >= 8, button.inner_text()
        assert box["x"] + box["width"] <= width - 8, button.inner_text()
