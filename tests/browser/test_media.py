"""Images and code in a real browser: enlarging by keys and pointer."""

import re
import threading
import time
from itertools import count

import pytest
from playwright.sync_api import Locator, Page, expect

from annotate.media.references import resolve_parts
from annotate.models import Prompt, Task
from annotate.services.media import find_files
from tests.annotate.media import making
from tests.browser.desk import ready

pytestmark = pytest.mark.django_db(transaction=True)
FILES = re.compile(r"/media/\d+/")


def open_task(open_browser, task: Task, **options) -> Page:
    page = open_browser(task.project.created_by, **options)
    page.goto(f"/tasks/{task.pk}/")
    return page


def opens_large(link: Locator) -> None:
    """Returns when the link of an image would enlarge it; before, it leads to the file."""
    expect(link).to_have_attribute("aria-haspopup", "dialog")


def transform(page: Page, number: int = 0) -> tuple[float, float, float]:
    """(x, y, scale) of an enlarged image."""
    style = page.locator(".lightbox img").nth(number).evaluate("image => image.style.transform")
    x, y, scale = re.findall(r"-?[\d.]+(?:e-?\d+)?", style)
    return float(x), float(y), float(scale)


@pytest.fixture
def image_task(make_media_task) -> Task:
    files = {
        "a.png": making.picture("PNG", 800, 600),
        "b.jpg": making.turned_jpeg(600, 400),
        "c.webp": making.picture("WEBP", 300, 300),
    }
    first = ["Two tries:", {"image": "a.png", "alt": "First"}, {"image": "b.jpg", "alt": "Second"}]
    return make_media_task(files, first, [{"image": "c.webp", "alt": "Third"}])


def test_images_do_not_shift_the_page(open_browser, image_task) -> None:
    page = open_browser(image_task.project.created_by)
    held, is_let_go = [], threading.Event()
    page.route(FILES, lambda route: route.continue_() if is_let_go.is_set() else held.append(route))
    page.goto(f"/tasks/{image_task.pk}/", wait_until="domcontentloaded")
    images = page.locator(".media img")
    expect(images).to_have_count(3)
    page.wait_for_function(
        "() => [...document.querySelectorAll('link[rel=stylesheet]')].every((link) => link.sheet)"
    )
    before = images.evaluate_all("all => all.map(i => [i.clientWidth, i.clientHeight])")
    is_let_go.set()
    for route in held:
        route.continue_()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.media img')].every(i => i.naturalWidth)"
    )
    after = images.evaluate_all("all => all.map(i => [i.clientWidth, i.clientHeight])")
    natural = images.evaluate_all("all => all.map(i => [i.naturalWidth, i.naturalHeight])")
    assert natural == [[800, 600], [400, 600], [300, 300]]
    assert before == after
    assert all(height > 100 for _, height in after)


def test_an_image_is_enlarged_and_moved_by_keys(open_browser, image_task) -> None:
    page = open_task(open_browser, image_task)
    link = page.get_by_role("link", name="First")
    opens_large(link)
    link.focus()
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Enlarged image")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_text("1 of 3")).to_be_visible()
    assert transform(page) == (0, 0, 1)
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert transform(page)[2] == pytest.approx(1.69)
    page.keyboard.press("ArrowRight")
    assert transform(page)[0] == -60
    page.keyboard.press("ArrowDown")
    assert transform(page)[1] == -60
    page.keyboard.press("-")
    assert transform(page)[2] == pytest.approx(1.3)
    page.keyboard.press("0")
    assert transform(page) == (0, 0, 1)
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_text("2 of 3")).to_be_visible()
    expect(dialog.get_by_role("img")).to_have_attribute("alt", "Second")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()


@pytest.fixture
def touched(open_browser, image_task):
    """The first image enlarged on a touch screen, touches every 50 ms, and its middle."""
    page = open_task(open_browser, image_task, has_touch=True)
    link = page.get_by_role("link", name="First")
    opens_large(link)
    link.tap()
    page.wait_for_function("() => document.querySelector('.lightbox img')?.naturalWidth")
    box = page.locator(".lightbox figure > div").bounding_box()
    session, begun, ticks = page.context.new_cdp_session(page), time.time(), count()

    def fingers(kind: str, *places: tuple[float, float] | None) -> None:
        points = [{"x": at[0], "y": at[1], "id": i} for i, at in enumerate(places) if at]
        given = {"type": kind, "touchPoints": points, "timestamp": begun + next(ticks) / 20}
        session.send("Input.dispatchTouchEvent", given)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")

    return page, fingers, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_two_fingers_zoom_at_their_middle_and_one_moves(touched) -> None:
    page, fingers, x, y = touched
    fingers("touchStart", (x + 50, y - 50), (x + 150, y - 50))
    for apart in (60, 80, 100):
        fingers("touchMove", (x + 100 - apart, y - 50), (x + 100 + apart, y - 50))
    assert transform(page) == pytest.approx((-100, 50, 2))  # what lay between them still does
    fingers("touchMove", (x - 20, y - 20), (x + 180, y - 20))
    assert transform(page) == pytest.approx((-120, 80, 2))  # carried along
    fingers("touchEnd", (x - 20, y - 20))
    fingers("touchMove", None, (x + 200, y - 50))
    assert transform(page) == pytest.approx((-100, 50, 2))
    fingers("touchEnd")
    fingers("touchStart", (x - 100, y), (x + 100, y))
    fingers("touchMove", (x - 20, y), (x + 20, y))
    assert transform(page) == (0, 0, 1)  # never smaller than it fits


def test_two_taps_enlarge_there_and_two_more_fit(touched) -> None:
    page, fingers, x, y = touched
    taps = [
        (x + 40, (0, 0, 1)),
        (x + 44, pytest.approx((-88, 0, 3))),
        (x, pytest.approx((-88, 0, 3))),
        (x, (0, 0, 1)),
        (x, (0, 0, 1)),
        (x + 120, (0, 0, 1)),  # far from the one before: two taps, not a double one
    ]
    for place, expected in taps:
        fingers("touchStart", (place, y))
        fingers("touchEnd")
        assert transform(page) == expected


def test_all_images_side_by_side_zoom_together(open_browser, image_task) -> None:
    page = open_task(open_browser, image_task)
    link = page.get_by_role("link", name="Third")
    opens_large(link)
    link.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("3 of 3")).to_be_visible()
    page.keyboard.press("s")
    expect(dialog.get_by_role("img")).to_have_count(3)
    tops = dialog.locator("figure").evaluate_all("all => all.map(f => f.offsetTop)")
    assert len(set(tops)) == 1
    page.keyboard.press("+")
    assert transform(page, 0) == transform(page, 1) == transform(page, 2)
    page.keyboard.press("s")
    expect(dialog.get_by_role("img")).to_have_count(1)


def test_the_wheel_zooms_where_the_pointer_is_and_dragging_moves(open_browser, image_task) -> None:
    page = open_task(open_browser, image_task)
    link = page.get_by_role("link", name="First")
    opens_large(link)
    link.click()
    box = page.locator(".lightbox figure > div").bounding_box()
    x, y = box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, -500)
    page.wait_for_function(
        "() => document.querySelector('.lightbox img').style.transform.includes('scale(2.7')"
    )
    moved, _, scale = transform(page)
    # The point under the pointer, a quarter of the width right of the middle, stays.
    assert moved == pytest.approx(-box["width"] / 4 * (scale - 1), rel=0.01)
    page.mouse.down()
    page.mouse.move(x + 40, y + 10, steps=4)
    page.mouse.up()
    assert transform(page)[0] == pytest.approx(moved + 40, abs=1)


def test_without_scripts_the_image_itself_opens(open_browser, image_task) -> None:
    page = open_task(open_browser, image_task, java_script_enabled=False)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="First").click()
    assert opened.value.url.endswith("/image.png")


def test_code_is_copied_as_it_is(open_browser, make_media_task) -> None:
    code = "def f(x):\n    return '<b>' + x  # \u00fc\n"
    part = {"type": "code", "text": code, "language": "python"}
    task = make_media_task({}, [part], ["```\nplain\n```"])
    page = open_browser(task.project.created_by, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/tasks/{task.pk}/")
    page.get_by_role("button", name="Copy the code").first.click()
    # Said for two seconds: watched for at every frame.
    page.wait_for_function("() => document.querySelector('button.copy[aria-label=Copied]')")
    assert page.evaluate("navigator.clipboard.readText()") == code


def test_on_the_work_page_an_enlarged_image_keeps_the_keys(open_browser, image_task) -> None:
    page = open_browser(image_task.project.created_by)
    page.goto(f"/projects/{image_task.project_id}/work/")
    ready(page)
    link = page.get_by_role("link", name="First")
    opens_large(link)
    link.click()
    dialog = page.get_by_role("dialog", name="Enlarged image")
    expect(dialog).to_be_visible()
    for key in ("1", "+", "u", "Enter"):
        page.keyboard.press(key)
    assert transform(page)[2] == pytest.approx(1.3)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#answer input:checked")).to_have_count(0)
    page.keyboard.press("1")
    expect(page.locator("#answer input:checked")).to_have_count(1)


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["wide", "narrow"])
def test_a_prompt_s_image_is_seen_whole_with_its_question(open_browser, image_task, size) -> None:
    project, prompt = image_task.project, image_task.prompt
    known = find_files(project=project, references=["a.png"])
    content = resolve_parts(
        [{"image": "a.png", "alt": "Asked of"}, "What is it?"], known, "content"
    )
    Prompt.objects.filter(pk=prompt.pk).update(conversation=[{"role": "user", "content": content}])
    viewport = {"width": size[0], "height": size[1]}
    page = open_browser(project.created_by, viewport=viewport)
    page.goto(f"/projects/{project.pk}/work/")
    ready(page)
    box = page.get_by_role("region", name="Prompt")
    expect(box.get_by_role("img", name="Asked of")).to_be_in_viewport(ratio=1)
    expect(box.get_by_text("What is it?")).to_be_in_viewport(ratio=1)


def test_the_next_task_s_images_are_there_and_the_last_one_s_sound_ends(
    open_browser, make_media_task
) -> None:
    task = make_media_task({"a.wav": making.tone(12)}, [{"audio": "a.wav"}], ["A text"])
    image = {"image": "b.png", "alt": "Next"}
    make_media_task({"b.png": making.picture()}, [image], ["A text"], project=task.project)
    page = open_browser(task.project.created_by)
    with page.expect_response(lambda answer: answer.url.endswith("/image.png")):
        page.goto(f"/projects/{task.project_id}/work/")
    page.wait_for_function("() => document.querySelector('audio')?.dataset.player === 'ready'")
    player = page.locator("audio").element_handle()
    page.keyboard.press("k")
    page.wait_for_function("player => player.currentTime > 0.1", arg=player)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("img", name="Next")).to_be_visible()
    page.wait_for_function("player => player.paused", arg=player)
