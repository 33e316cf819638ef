"""The work page as people use it: by mouse, by keys, on a phone, offline, without scripts."""

import re
from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotate.models import Draft, Judgement, Seat, Skip

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def ada(transactional_db, make_user):
    return make_user("ada")


@pytest.fixture
def project(ada, make_project, add_member, make_pair_tasks):
    project = make_project(name="Answers", guidelines="Prefer **true** answers.", overlap=2)
    add_member(project, ada)
    make_pair_tasks(project, 12)
    return project


@pytest.fixture
def open_work(open_browser, project) -> Callable[..., Page]:
    """open_work(user, **context) -> the work page, with the next task laid ready."""

    def open_(user, **options) -> Page:
        page = open_browser(user, **options)
        open_desk(page, project)
        return page

    return open_


def open_desk(page: Page, project) -> None:
    address = reverse("work", args=[project.pk])
    with page.expect_response(re.compile("/work/next/")):
        page.goto(address)


def question(page: Page) -> str:
    return page.locator(".turn.last .prose").inner_text()


def option(page: Page, name: str):
    return page.get_by_role("radio", name=name, exact=True)


def answer(page: Page, name: str) -> None:
    """By mouse; returns when another task is shown and the server has the answer."""
    before = question(page)
    with page.expect_response(re.compile("/submit/")):
        option(page, name).check()
        page.get_by_role("button", name="Submit").click()
    expect(page.locator(".turn.last .prose")).not_to_have_text(before)


def counted(page: Page, count: int) -> None:
    expect(page.locator("[data-done]")).to_have_text(str(count))


def test_ten_tasks_by_mouse(open_work, ada):
    page = open_work(ada)
    names = ["A is much better", "Tie: equally good", "Both are bad", "B is slightly better"]
    asked = []
    for number in range(10):
        asked.append(question(page))
        answer(page, names[number % 4])
    counted(page, 10)
    assert len(set(asked)) == 10
    given = list(Judgement.objects.order_by("pk"))
    assert len(given) == 10
    assert [row.value["verdict"] for row in given[:4]] == ["prefer", "tie", "both_bad", "prefer"]
    assert given[0].value["preferred"] == given[0].shown_order[0]
    assert given[3].value["preferred"] == given[3].shown_order[1]
    assert all(0 <= row.seconds_active < 60 for row in given)
    assert all(row.started_at < row.submitted_at for row in given)


def test_ten_tasks_by_keyboard(open_work, ada):
    page = open_work(ada)
    for number in range(10):
        before = question(page)
        with page.expect_response(re.compile("/submit/")):
            if number == 8:
                page.keyboard.press("ArrowRight")
                page.keyboard.press("ArrowRight")
            elif number == 9:
                page.keyboard.press("r")
                page.keyboard.type("because 3 is true")
                page.keyboard.press("Escape")
                page.keyboard.press("0")
            else:
                page.keyboard.press(str(number + 1) if number < 7 else "4")
            page.keyboard.press("Enter")
        expect(page.locator(".turn.last .prose")).not_to_have_text(before)
    given = list(Judgement.objects.order_by("pk"))
    strengths = [
        (row.value["strength"], row.shown_order.index(row.value["preferred"]))
        for row in given
        if row.value["verdict"] == "prefer"
    ]
    assert strengths == [(3, 0), (2, 0), (1, 0), (1, 1), (2, 1), (3, 1), (1, 1)]
    assert [row.value["verdict"] for row in given].count("tie") == 2
    assert given[9].value == {"verdict": "both_bad"}
    assert given[9].rationale == "because 3 is true"


def test_a_digit_may_submit_at_once(open_work, ada):
    page = open_work(ada)
    page.keyboard.press("?")
    page.get_by_label("A digit submits at once").check()
    page.keyboard.press("Escape")
    before = question(page)
    with page.expect_response(re.compile("/submit/")):
        page.keyboard.press("2")
    expect(page.locator(".turn.last .prose")).not_to_have_text(before)
    assert Judgement.objects.get().value["strength"] == 2


def test_next_task_is_shown_before_the_server_answers(open_work, ada):
    page = open_work(ada)
    held = []
    page.route("**/submit/", lambda route: held.append(route))
    before = question(page)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator(".turn.last .prose")).not_to_have_text(before)
    assert not Judgement.objects.exists()
    with page.expect_response(re.compile("/submit/")):
        held[0].continue_()
    assert Judgement.objects.count() == 1
    expect(page.locator("[data-announce]")).to_contain_text("Next task")


def test_undo_changes_the_last_answer_and_returns(open_work, ada):
    page = open_work(ada)
    first = question(page)
    answer(page, "A is better")
    second = question(page)
    page.keyboard.press("u")
    page.wait_for_url(re.compile("/judgements/"))
    assert question(page) == first
    expect(option(page, "A is better")).to_be_checked()
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/work/$"))
    assert question(page) == second
    old, new = Judgement.objects.order_by("pk")
    assert (new.supersedes_id, new.value) == (old.pk, {"verdict": "tie"})


def test_reload_in_the_middle_of_a_draft(open_work, ada, project):
    page = open_work(ada)
    before = question(page)
    option(page, "B is better").check()
    page.get_by_label("Why?").fill("half a thought")
    with page.expect_response(re.compile("/draft/")):
        page.keyboard.press("Tab")
    expect(page.locator("[data-status]")).to_have_text("Saved")
    assert Draft.objects.get().value["rationale"] == "half a thought"
    page.evaluate("localStorage.clear()")
    open_desk(page, project)
    assert question(page) == before
    expect(option(page, "B is better")).to_be_checked()
    expect(page.get_by_label("Why?")).to_have_value("half a thought")


def test_draft_survives_a_crash_before_it_was_sent(open_work, ada, project):
    page = open_work(ada)
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('gone')); }")
    option(page, "B is better").check()
    page.get_by_label("Why?").fill("not sent yet")
    open_desk(page, project)
    assert not Draft.objects.exists()
    expect(option(page, "B is better")).to_be_checked()
    expect(page.get_by_label("Why?")).to_have_value("not sent yet")


def test_two_people_at_once(open_work, ada, project, make_user, add_member):
    bob = make_user("bob")
    add_member(project, bob)
    pages = [open_work(ada), open_work(bob)]
    for number in range(6):
        answer(pages[number % 2], "A is better" if number % 2 else "B is better")
    for person in (ada, bob):
        tasks = Judgement.objects.filter(annotator=person).values_list("task", flat=True)
        assert len(tasks) == len(set(tasks)) == 3
    assert not Judgement.objects.filter(late=True).exists()


def test_skip_and_flag(open_work, ada):
    page = open_work(ada)
    before = question(page)
    page.keyboard.press("s")
    page.get_by_label("I lack the knowledge").check()
    page.get_by_label("More about it").fill("law")
    with page.expect_response(re.compile("/skip/")):
        page.get_by_role("dialog").get_by_role("button", name="Skip").click()
    expect(page.locator(".turn.last .prose")).not_to_have_text(before)
    assert (Skip.objects.get().reason, Skip.objects.get().note) == ("expertise", "law")
    page.keyboard.press("f")
    page.keyboard.type("names a person")
    page.keyboard.press("Escape")
    answer(page, "Both are bad")
    assert Judgement.objects.get().flag == "names a person"


def test_double_click_submits_once(open_work, ada):
    page = open_work(ada)
    option(page, "A is better").check()
    with page.expect_response(re.compile("/submit/")):
        page.get_by_role("button", name="Submit").dblclick()
    counted(page, 1)
    expect(page.locator(".problem")).to_be_hidden()
    assert Judgement.objects.count() == 1


def test_nothing_chosen_is_told(open_work, ada):
    page = open_work(ada)
    # Sooner, it would pass for the second half of a double click.
    page.wait_for_function("() => performance.now() > 2000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="Choose an answer first.")).to_be_visible()
    page.keyboard.press("1")
    expect(page.locator(".problem")).to_be_hidden()


def test_offline_then_back(open_work, ada):
    page = open_work(ada)
    page.context.set_offline(True)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    page.keyboard.press("7")
    page.keyboard.press("Enter")
    expect(page.locator("[data-notice]")).to_contain_text("sent when the connection is back")
    assert not Judgement.objects.exists()
    page.context.set_offline(False)
    expect(page.locator("[data-notice]")).to_be_hidden()
    expect(page.locator("[data-status]")).to_have_text("Saved")
    counted(page, 2)
    assert Judgement.objects.count() == 2
    answer(page, "Tie: equally good")
    assert Judgement.objects.count() == 3


def test_answers_survive_a_crash_while_offline(open_work, ada, project):
    page = open_work(ada)
    page.route("**/submit/", lambda route: route.abort())
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    page.unroute("**/submit/")
    with page.expect_response(re.compile("/submit/")):
        page.goto(reverse("work", args=[project.pk]))
    assert Judgement.objects.count() == 1


def test_undo_while_offline_takes_the_answer_back(open_work, ada):
    page = open_work(ada)
    first = question(page)
    page.context.set_offline(True)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-status]")).to_have_text("Offline: kept in this browser")
    page.keyboard.press("u")
    expect(page.locator(".turn.last .prose")).to_have_text(first)
    counted(page, 0)
    page.context.set_offline(False)
    page.keyboard.press("7")
    with page.expect_response(re.compile("/submit/")):
        page.keyboard.press("Enter")
    judgement = Judgement.objects.get()
    assert judgement.value["preferred"] == judgement.shown_order[1]


def test_stale_page_says_so_and_goes_on(open_work, ada):
    page = open_work(ada)
    seat = page.locator("#task").get_attribute("data-seat")
    Seat.objects.filter(pk=seat).update(state="void", annotator=None, former_holders=[])
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-notice]")).to_contain_text("nothing was saved")
    counted(page, 0)
    assert not Judgement.objects.exists()
    answer(page, "A is better")


def test_lost_lease_is_told_and_the_answer_kept(open_browser, ada, project):
    project.lease_seconds = 10
    project.save()
    page = open_browser(ada)
    open_desk(page, project)
    seat = Seat.objects.get(pk=page.locator("#task").get_attribute("data-seat"))
    Seat.objects.filter(pk=seat.pk).update(
        state="done", annotator=project.created_by, former_holders=[ada.pk]
    )
    page.mouse.move(200, 200)
    expect(page.locator("[data-notice]")).to_contain_text("ran out")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-notice]")).to_contain_text("kept as an extra one")
    assert Judgement.objects.get().late


def test_logged_out_meanwhile_keeps_the_answer(open_work, ada, project):
    page = open_work(ada)
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-notice]")).to_contain_text("Log in again")
    assert not Judgement.objects.exists()
    page.context.add_cookies(cookies)
    with page.expect_response(re.compile("/submit/")):
        page.goto(reverse("work", args=[project.pk]))
    assert Judgement.objects.count() == 1


def test_answer_refused_by_the_server_comes_back(open_work, ada, project):
    page = open_work(ada)
    project.kind_settings = {"rationale_min_chars": 20}
    project.save()
    first = question(page)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator(".problem")).to_contain_text("at least 20 characters")
    expect(page.locator(".turn.last .prose")).to_have_text(first)
    page.get_by_label("Why?").fill("now it is long enough for all")
    with page.expect_response(re.compile("/submit/")):
        page.get_by_role("button", name="Submit").click()
    assert Judgement.objects.get().rationale == "now it is long enough for all"


def test_to_the_end_and_the_done_page(open_work, ada):
    page = open_work(ada)
    for _ in range(11):
        answer(page, "A is better")
    option(page, "A is better").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    assert Judgement.objects.count() == 12
    page.get_by_role("link", name="Change my last answer").click()
    expect(option(page, "A is better")).to_be_checked()


def test_without_scripts(open_browser, ada, project):
    page = open_browser(ada, java_script_enabled=False)
    page.goto(reverse("work", args=[project.pk]))
    for number in range(3):
        option(page, "B is better").check()
        page.get_by_label("Why?").fill(f"reason {number}")
        page.get_by_role("button", name="Submit").click()
    assert Judgement.objects.count() == 3
    page.get_by_role("button", name="Skip").first.click()
    page.get_by_label("Something else").check()
    page.get_by_role("dialog").get_by_role("button", name="Skip").click()
    expect(page.get_by_text("Skipped.")).to_be_visible()
    page.get_by_role("link", name="Undo").click()
    expect(page.get_by_label("Why?")).to_have_value("reason 2")
    option(page, "A is better").check()
    page.get_by_role("button", name="Save the change").click()
    expect(page.get_by_text("Your answer is changed.")).to_be_visible()
    assert Judgement.objects.count() == 4


def test_a_message_goes_with_the_task_it_was_shown_on(open_work, ada):
    page = open_work(ada)
    answer(page, "A is better")
    page.keyboard.press("u")
    page.wait_for_url(re.compile("/judgements/"))
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your answer is changed.")).to_be_visible()
    answer(page, "B is better")
    expect(page.get_by_text("Your answer is changed.")).to_have_count(0)


def test_phone_width(open_work, ada):
    page = open_work(ada, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for target in page.locator(".bar .option, .bar .button, .switch a").all():
        box = target.bounding_box()
        assert box["height"] >= 44
    bar = page.locator(".bar").bounding_box()
    assert abs(bar["y"] + bar["height"] - 844) <= 1
    page.get_by_role("link", name="B", exact=True).click()
    expect(page.locator(".switch a").nth(1)).to_have_attribute("aria-current", "true")
    expect(page.locator("#response-B")).to_be_in_viewport(ratio=0.6)
    answer(page, "B is much better")
    assert Judgement.objects.count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_schemes(open_work, ada, scheme):
    page = open_work(ada, color_scheme=scheme, reduced_motion="reduce")
    page.keyboard.press("2")
    ratios = page.evaluate(CONTRAST)
    assert len(ratios) > 15
    assert min(ratio for _text, ratio in ratios) >= 4.5, sorted(ratios, key=lambda r: r[1])[:3]


CONTRAST = """
() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility()) continue;
    const [a, b] = [rgb(getComputedStyle(element).color), ground(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([node.data.trim().slice(0, 30), ratio]);
  }
  return found;
}
"""


def test_first_load_is_light(open_browser, ada, project):
    page = open_browser(ada)
    loaded = {}
    page.on("response", lambda response: loaded.setdefault(response.url, response))
    page.goto(reverse("work", args=[project.pk]), wait_until="networkidle")
    assert len(loaded) > 10
    # Not body(): the browser may have dropped a body by the time it is asked for.
    sizes = [response.request.sizes()["responseBodySize"] for response in loaded.values()]
    assert 20_000 < sum(sizes) < 150_000
    assert all(url.startswith(page.url.split("/projects")[0]) for url in loaded)


def test_no_layout_shift_between_tasks(open_work, ada):
    page = open_work(ada)
    place = page.locator(".bar").bounding_box()
    for _ in range(3):
        answer(page, "A is better")
        assert page.locator(".bar").bounding_box() == place


def test_differences_are_marked_without_touching_the_text(open_work, ada):
    page = open_work(ada)
    before = page.locator(".responses").inner_html()
    page.keyboard.press("d")
    marked = page.evaluate("[...CSS.highlights.get('differs')].map(String).sort()")
    assert marked == ["a", "b"]
    assert page.locator(".responses").inner_html() == before
    page.keyboard.press("d")
    assert page.evaluate("CSS.highlights.has('differs')") is False


def longest_common(a: str, b: str) -> int:
    """Length of the longest common subsequence by the textbook table."""
    row = [0] * (len(b) + 1)
    for x in a:
        diagonal = 0
        for index, y in enumerate(b, start=1):
            diagonal, row[index] = (
                row[index],
                diagonal + 1 if x == y else max(row[index], row[index - 1]),
            )
    return row[-1]


def test_common_words_are_a_longest_common_subsequence(open_work, ada):
    page = open_work(ada)
    cases = [("", ""), ("abc", ""), ("abcabba", "cbabac"), ("xaxbxc", "abc"), ("ab", "ba")]
    cases += [
        (
            "".join("abcd"[(i * i + seed) % 4] for i in range(40)),
            "".join("abcd"[(i * 7 + i // 3 + seed) % 4] for i in range(35)),
        )
        for seed in range(6)
    ]
    script = """async (cases) => {
      const { common } = await import("/static/js/diff.js");
      return cases.map(([a, b]) => {
        const kept = common([...a], [...b]);
        return [[...kept.a].sort((x, y) => x - y), [...kept.b].sort((x, y) => x - y)];
      });
    }"""
    for (a, b), (in_a, in_b) in zip(cases, page.evaluate(script, cases), strict=True):
        assert [a[i] for i in in_a] == [b[j] for j in in_b]
        assert len(in_a) == longest_common(a, b)
