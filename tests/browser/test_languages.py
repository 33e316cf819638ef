"""The interface in other languages, and from right to left, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from annotate.models import ApiToken
from tests.browser.desk import PHONE, open_desk
from tests.browser.marking import LIGHT, PLAIN, drag, make_marking_project, open_page

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = (
    "/",
    "/account/",
    "/projects/{}/",
    "/projects/{}/tasks/",
    "/projects/{}/people/",
    "/projects/{}/import/",
    "/projects/{}/export/",
    "/projects/{}/media/",
    "/projects/{}/routing/",
    "/projects/{}/training/",
    "/projects/{}/training/new/reward_model/",
    "/projects/{}/audit/",
    "/projects/{}/settings/",
    "/projects/{}/work/",
)


@pytest.fixture
def arabic(settings) -> dict:
    """Options of a browser whose pages come out in Arabic: Django's words, ours untranslated."""
    settings.LANGUAGES = [*settings.LANGUAGES, ("ar", "العربية")]
    return {"locale": "ar"}


@pytest.fixture
def open_in(live_server, open_browser, ada, client):
    """open_in(**context) -> a page, logged in without the form, whose words are in English."""

    def open_(**options) -> Page:
        page = open_browser(**options)
        client.force_login(ada)
        cookie = client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        return page

    return open_


def _overflow(page: Page) -> int:
    """How many pixels the page is wider than the window."""
    root = "document.documentElement"
    return page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")


def test_a_german_browser_gets_german_and_may_choose_english(open_in):
    page = open_in(locale="de-DE")
    page.goto("/account/")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_role("combobox", name="Sprache").select_option("en")
    page.get_by_role("button", name="Diese Sprache verwenden").click()
    expect(page.get_by_role("heading", name="API tokens")).to_be_visible()
    expect(page.get_by_role("combobox", name="Language")).to_have_value("en")


def test_tasks_are_answered_in_german(open_in, project):
    page = open_in(locale="de-DE")
    open_desk(page, project)
    page.get_by_role("radio", name="A ist viel besser").check()
    with page.expect_response(re.compile("/submit/")):
        page.get_by_role("button", name="Abgeben").click()
    expect(page.locator("[data-status]")).to_have_text("Gespeichert")
    page.keyboard.press("?")
    expect(page.get_by_text("Auf der Skala bewegen")).to_be_visible()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_no_page_is_wider_than_the_window_from_right_to_left(arabic, open_in, project, ada, size):
    ada.is_superuser = True
    ada.save(update_fields=["is_superuser"])
    page = open_in(**arabic, **(PHONE if size == "phone" else {}))
    wide = {}
    for address in PAGES:
        page.goto(address.format(project.pk))
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        if _overflow(page):
            wide[address] = _overflow(page)
    assert wide == {}


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_nothing_in_the_head_of_a_phones_page_lies_over_the_name(
    arabic, open_in, project, language
):
    """There is no place for it on most phones; then the mark alone is seen."""
    page = open_in(**PHONE, **(arabic if language == "ar" else {"locale": language}))
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", language)
    places = [page.locator(".brand"), page.locator(".site-nav > :first-child")]
    boxes = [place.bounding_box() for place in places]
    left, right = sorted(boxes, key=lambda box: box["x"])
    assert left["x"] + left["width"] <= right["x"]
    assert _overflow(page) == 0


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_the_current_tab_is_in_sight_on_a_phone(arabic, open_in, project, ada, direction):
    ada.is_superuser = True
    ada.save(update_fields=["is_superuser"])
    options = arabic if direction == "rtl" else {"locale": "de"}
    page = open_in(**options, viewport={"width": 375, "height": 800})
    for name in ("settings/", "people/", ""):
        page.goto(f"/projects/{project.pk}/{name}")
        expect(page.locator("html")).to_have_attribute("dir", direction)
        strip = page.locator(".tabs")
        assert strip.evaluate("one => one.scrollWidth > 2 * one.clientWidth")
        expect(strip.locator("[aria-current]")).to_be_in_viewport(ratio=0.9)
        assert page.evaluate("scrollY") == 0


def test_the_work_page_is_mirrored_and_contents_keep_their_direction(arabic, open_in, project):
    page = open_in(**arabic)
    open_desk(page, project)
    first, second = (page.locator(".response").nth(place).bounding_box() for place in (0, 1))
    assert first["x"] > second["x"]
    undo, submit = (page.locator(name).bounding_box() for name in ("[data-undo]", ".submit"))
    assert undo["x"] > submit["x"]
    brand = page.locator(".brand").bounding_box()
    assert brand["x"] > page.viewport_size["width"] / 2
    prose = page.locator(".response .prose").first
    assert prose.evaluate("one => getComputedStyle(one).direction") == "ltr"  # dir=auto, English


def test_arrows_go_where_they_point(arabic, open_in, project):
    """The scale is mirrored, so A lies on the right."""
    page = open_in(**arabic)
    open_desk(page, project)
    scale = page.locator(".scale input[type=radio]")
    at = "inputs => inputs.findIndex(one => one.checked)"
    page.keyboard.press("ArrowRight")
    middle = scale.evaluate_all(at)
    before = scale.nth(middle).locator("..").bounding_box()["x"]
    page.keyboard.press("ArrowRight")
    assert scale.evaluate_all(at) == middle - 1
    assert scale.nth(middle - 1).locator("..").bounding_box()["x"] > before


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_long_name_pushes_no_button_out_of_the_window(open_in, ada, size):
    ApiToken.objects.create(user=ada, name="x" * 100, digest="0" * 64, scopes=["read", "manage"])
    page = open_in(locale="de-DE", **(PHONE if size == "phone" else {}))
    page.goto("/account/")
    box = page.locator("form[action*=revoke] button").bounding_box()
    assert box["x"] + box["width"] <= page.viewport_size["width"]
    assert not _overflow(page)


def test_a_new_token_fits_a_narrow_phone_in_german(open_in):
    page = open_in(locale="de-DE", **{**PHONE, "viewport": {"width": 375, "height": 800}})
    page.goto("/account/")
    page.locator("[name=name]").fill("ein Zugang für das nächtliche Training der Modelle")
    for scope in page.locator("[name=scopes]").all():
        scope.check()
    page.locator("form[action*=token] button.button:not(.danger)").click()
    expect(page.locator(".secret")).to_be_visible()
    assert not _overflow(page)


@pytest.mark.parametrize(
    ("text", "words", "earlier_is_left"),
    [(LIGHT, "made of steel", True), ("بنيت المنارة من الفولاذ قديما", "المنارة من", False)],
)
def test_the_edges_of_a_mark_lie_as_in_its_words(
    arabic, open_in, ada, text, words, earlier_is_left
):
    project = make_marking_project(ada, "spans", PLAIN, [text], [])
    for options in ({}, arabic):
        page = open_in(**options)
        open_page(page, project)
        drag(page, words)
        page.keyboard.press("5")
        edges = page.get_by_role("group", name="Edges").get_by_role("button")
        earlier, later = (edges.nth(place).bounding_box() for place in (0, 3))
        assert (earlier["x"] < later["x"]) is earlier_is_left
        page.context.close()
