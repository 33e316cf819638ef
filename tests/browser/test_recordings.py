"""Recordings and films in a real browser, playing in step."""

import pytest
from playwright.sync_api import Page, expect

from annotate.models import Task
from tests.annotate.media import making
from tests.browser.desk import open_desk
from tests.browser.test_media import FILES, open_task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sound_task(make_media_task) -> Task:
    files = {f"{n}.wav": making.tone(12, pitch=300 + 100 * n) for n in range(2)}
    return make_media_task(files, [{"audio": "0.wav", "title": "One"}], [{"audio": "1.wav"}])


def players(page: Page) -> list[dict]:
    return page.locator("audio").evaluate_all(
        "all => all.map(a => ({paused: a.paused, time: a.currentTime, muted: a.muted}))"
    )


def test_recordings_play_in_step_by_one_key(open_browser, sound_task) -> None:
    page = open_task(open_browser, sound_task)
    bar = page.get_by_role("group", name="Play together")
    expect(bar).to_be_visible()
    page.wait_for_function(
        "() => [...document.querySelectorAll('audio')].every(a => a.readyState >= 1)"
    )
    page.keyboard.press("k")
    page.wait_for_function(
        """() => {
          const [a, b] = document.querySelectorAll("audio");
          const areOn = [a, b].every((one) => !one.paused && one.currentTime > 0.3);
          return areOn && Math.abs(a.currentTime - b.currentTime) < 0.3;
        }"""
    )
    first, second = players(page)
    assert (first["muted"], second["muted"]) == (False, True)
    expect(bar.get_by_role("button", name="Pause all")).to_be_visible()
    page.keyboard.press("h")
    assert [one["muted"] for one in players(page)] == [True, False]
    expect(bar.get_by_role("radio").nth(1)).to_be_checked()
    page.keyboard.press("k")
    assert [one["paused"] for one in players(page)] == [True, True]
    before = players(page)[1]["time"]
    page.keyboard.press(".")
    page.wait_for_function(
        f"() => document.querySelectorAll('audio')[1].currentTime > {before + 4.9}"
    )
    one, two = players(page)
    assert one["time"] == two["time"] == pytest.approx(before + 5, abs=0.01)
    page.keyboard.press(",")
    page.wait_for_function(
        f"() => document.querySelectorAll('audio')[0].currentTime < {before + 1}"
    )


def test_one_player_s_own_button_silences_the_others(open_browser, sound_task) -> None:
    page = open_task(open_browser, sound_task)
    expect(page.get_by_role("group", name="Play together")).to_be_visible()
    page.locator("audio").nth(0).evaluate("a => a.play()")
    page.locator("audio").nth(1).evaluate("a => a.play()")
    page.wait_for_function("() => document.querySelectorAll('audio')[0].paused")
    assert [one["paused"] for one in players(page)] == [True, False]


def test_keys_rest_while_one_types_or_wants_none(open_browser, sound_task) -> None:
    page = open_task(open_browser, sound_task)
    expect(page.get_by_role("group", name="Play together")).to_be_visible()
    page.evaluate("document.querySelector('main').append(document.createElement('textarea'))")
    page.locator("textarea").focus()
    page.keyboard.press("k")
    assert page.locator("textarea").input_value() == "k"
    assert all(one["paused"] for one in players(page))
    page.evaluate("localStorage.setItem('tandem:preferences', '{\"singleKeys\": false}')")
    page.reload()
    expect(page.get_by_role("group", name="Play together")).to_be_visible()
    page.keyboard.press("k")
    assert all(one["paused"] for one in players(page))


def test_a_film_seeks_by_ranges(open_browser, make_media_task) -> None:
    film = making.film("webm", "libvpx", 320, 240, seconds=20.0)
    task = make_media_task({"a.webm": film}, [{"video": "a.webm"}], ["A text"])
    page = open_browser(task.project.created_by)
    statuses = []
    page.on("response", lambda r: FILES.search(r.url) and statuses.append(r.status))
    page.goto(f"/tasks/{task.pk}/")
    page.wait_for_function("() => document.querySelector('video').readyState >= 1")
    assert page.locator("video").evaluate("v => v.videoWidth") == 320
    page.locator("video").evaluate("v => { v.currentTime = 15 }")
    page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    assert page.locator("video").evaluate("v => v.currentTime") == pytest.approx(15, abs=0.2)
    assert set(statuses) == {206}


def test_recordings_of_the_next_task_play_right_above_the_responses(
    open_browser, make_media_task
) -> None:
    """A task that comes after an answer is made by a script, and its players must not be dead."""
    first = make_media_task({}, ["One"], ["Two"])
    files = {f"{n}.wav": making.tone(12, pitch=300 + 100 * n) for n in range(2)}
    make_media_task(files, [{"audio": "0.wav"}], [{"audio": "1.wav"}], project=first.project)
    page = open_browser(first.project.created_by, viewport={"width": 1360, "height": 850})
    open_desk(page, first.project)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    bar = page.get_by_role("group", name="Play together")
    expect(bar).to_be_visible()
    page.keyboard.press("k")
    page.wait_for_function(
        "() => [...document.querySelectorAll('audio')].every(a => !a.paused && a.currentTime > 0)"
    )
    prompt = page.get_by_role("region", name="Prompt").bounding_box()
    responses = page.locator("#response-A").bounding_box()
    between = responses["y"] - (prompt["y"] + prompt["height"])
    assert between < bar.bounding_box()["height"] + 60
