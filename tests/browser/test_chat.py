"""Live chat in a real browser, with models behind a real server on the loopback."""

import json
import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from annotate.models import ChatModel, ChatReply, ChatSession, ChatTurn, Judgement
from annotate.services.projects import update_project
from tests.browser.contents import wait_for_draft
from tests.browser.desk import open_desk, past_a_second_press, ready, reload
from tests.waiting import PATIENCE, wait_until


def open_chat(open_browser, project):
    page = open_browser(project.ada)
    open_desk(page, project)
    past_a_second_press(page)
    return page


def say(page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.get_by_label("Your message").press("Enter")


def reply(page, letter: str, turn: int = 0):
    return page.locator(f"[data-turn='{turn}'] [data-reply][data-letter={letter}]")


def settled(page, turn: int, *letters: str) -> None:
    for letter in letters:
        expect(reply(page, letter, turn)).to_have_attribute("data-state", "done")


def judge(page, turn: int, name: str) -> None:
    page.locator(f"[data-turn='{turn}']").get_by_role("radio", name=name, exact=True).check()


def submit(page) -> None:
    with page.expect_response(re.compile("/submit/")) as answer:
        page.get_by_role("button", name="Submit").click()
    assert answer.value.status == 200, answer.value.text()


def test_two_models_talk_and_every_turn_is_judged(open_browser, make_chat, chat_server):
    project = make_chat("echo:1", "echo:2", prompt="Ask about rivers")
    page = open_chat(open_browser, project)
    expect(page.locator(".prompt")).to_contain_text("Ask about rivers")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".problem")).to_have_text("Send a message first.")
    say(page, "How long is the **Nile**?")
    settled(page, 0, "A", "B")
    expect(reply(page, "A").locator(".prose strong").first).to_have_text(re.compile(r"echo:\d"))
    expect(page.locator(".chat-message strong")).to_have_text("Nile")

    say(page, "Too early")
    expect(page.locator("[data-wrong]")).to_have_text("Judge turn 1 first.")
    assert ChatTurn.objects.count() == 1
    judge(page, 0, "B is better")
    page.get_by_label("Your message").press("Enter")
    settled(page, 1, "A", "B")
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    expect(
        page.locator("[data-turn='1']").get_by_role("radio", name="Equally good")
    ).to_be_checked()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".problem")).to_have_text("Judge the whole conversation.")
    final = page.get_by_role("region", name="The whole conversation")
    final.get_by_role("radio", name="A is better").check()
    submit(page)

    [session] = ChatSession.objects.all()
    prefer = {"verdict": "prefer"}
    assert Judgement.objects.get().value == {
        "session": session.pk,
        "points": 5,
        "turns": {
            "0": {"preference": {**prefer, "preferred": "B"}},
            "1": {"preference": {"verdict": "tie"}},
        },
        "final": {"preference": {**prefer, "preferred": "A"}},
    }
    heard = chat_server.requests[-1]["messages"]
    assert heard[1]["content"] == ChatReply.objects.get(turn__number=0, letter="B").text
    assert heard[2]["content"] == "Too early"


def test_names_of_models_never_reach_the_page(open_browser, make_chat, chat_server):
    def discreet(handler, body):
        handler.begin_stream()
        handler.say("Hello.")
        handler.end()

    chat_server.scripts["secret"] = discreet
    project = make_chat("secret:1", "secret:2", "rate_limited", "bad_key")
    page = open_chat(open_browser, project)
    say(page, "Hello")
    expect(page.locator("[data-reply][data-state=done]")).to_have_count(2)
    expect(page.locator("[data-reply][data-state=failed]")).to_have_count(2)
    urls = [one.get_attribute("data-url") for one in page.locator("[data-reply]").all()]
    shown = page.content() + "".join(page.request.get(url).text() for url in urls)
    assert shown.count("data-reply") >= 8
    for word in ("secret:", "The secret", "bad_key", chat_server.base_url, "Incorrect API key"):
        assert word not in shown
    # Two of the four replied, so the verdict offers these two.
    offered = page.locator("[data-turn='0'] [data-preference] .option:visible b")
    letters = offered.all_inner_texts()
    standing = page.locator("[data-reply][data-state=done]")
    assert letters == [one.get_attribute("data-letter") for one in standing.all()]


def test_stop_keeps_what_came(open_browser, make_chat, chat_server):
    project = make_chat("endless")
    page = open_chat(open_browser, project)
    say(page, "Go on")
    expect(reply(page, "A").locator("[data-written]")).to_contain_text("on and on and")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".problem")).to_have_text("Wait for the replies, or stop them.")
    page.get_by_role("button", name="Stop A").click()
    expect(reply(page, "A")).to_have_attribute("data-state", "stopped")
    expect(reply(page, "A").locator(".prose")).to_contain_text("on and on and")
    assert chat_server.hung_up.wait(PATIENCE)
    stored = ChatReply.objects.get()
    assert stored.state == "stopped"
    assert reply(page, "A").locator(".prose").inner_text().split() == stored.text.split()
    judge(page, 0, "4")
    final = page.get_by_role("region", name="The whole conversation")
    final.get_by_role("radio", name="2", exact=True).check()
    submit(page)
    assert Judgement.objects.get().value["turns"] == {"0": {"ratings": {"A": 4}}}


def test_a_failure_is_shown_in_its_panel_and_tried_again(open_browser, make_chat):
    project = make_chat("failing_once", "echo")
    page = open_chat(open_browser, project)
    say(page, "Hello")
    failed = page.locator("[data-reply][data-state=failed]")
    expect(failed).to_contain_text("The reply broke off. Try again.")
    expect(failed.locator("[data-written]")).to_have_text("It begins well ")
    expect(page.locator("[data-reply][data-state=done]")).to_have_count(1)
    # One reply is nothing to prefer.
    expect(page.locator("[data-turn='0'] [data-verdict]")).to_be_hidden()
    failed.get_by_role("button", name="Try again").click()
    settled(page, 0, "A", "B")
    expect(page.locator("[data-turn='0'] [data-verdict]")).to_be_visible()
    attempts = ChatReply.objects.filter(model__model="failing_once").order_by("attempt")
    assert [(one.attempt, one.state) for one in attempts] == [(1, "failed"), (2, "done")]


def test_a_busy_model_says_how_long_to_wait(open_browser, make_chat):
    page = open_chat(open_browser, make_chat("rate_limited", "echo"))
    say(page, "Hello")
    busy = page.locator("[data-turn='0'] [data-reply][data-state=failed]")
    expect(busy).to_contain_text("The model has too much to do.")
    expect(busy).to_contain_text("It asks to wait 7 seconds.")
    reload(page)
    expect(busy.get_by_role("button", name="Try again")).to_be_visible()
    say(page, "Later?")
    failed = page.locator("[data-turn='1'] [data-reply][data-state=failed]")
    expect(failed).to_contain_text("The model has too much to do.")
    # A turn that is past is not tried again.
    expect(page.get_by_role("button", name="Try again")).to_have_count(1)


def test_a_reload_in_the_middle_loses_nothing(open_browser, make_chat, chat_server):
    project = make_chat("echo", "halting")
    page = open_chat(open_browser, project)
    say(page, "Hello")
    expect(page.locator("[data-reply][data-state=done]")).to_have_count(1)
    halting = page.locator("[data-reply][data-state=streaming]")
    expect(halting.locator("[data-written]")).to_have_text("First half, ")
    page.get_by_label("Your message").fill("written ahead")
    wait_for_draft(page)
    wait_until(ChatReply.objects.filter(text="First half, ").exists)
    page.reload()
    expect(halting.locator("[data-written]")).to_have_text("First half, ")
    expect(page.get_by_label("Your message")).to_have_value("written ahead")
    chat_server.go.set()
    settled(page, 0, "A", "B")
    expect(page.locator(".replies")).to_contain_text("First half, second half.")
    assert ChatReply.objects.count() == 2
    assert len(chat_server.requests) == 2
    judge(page, 0, "A is better")
    wait_for_draft(page)
    reload(page)
    page.get_by_label("Your message").press("Enter")
    settled(page, 1, "A")
    assert ChatTurn.objects.get(number=1).verdict["preference"]["preferred"] == "A"


def test_what_is_asked_changes_in_the_middle(open_browser, make_chat, chat_server):
    """The page goes on as it was shown, and says whose it is."""
    project = make_chat("echo:1", "echo:2", final="none")
    owner = project.created_by
    project = update_project(project=project, actor=owner, guidelines="Be fair.")
    project.ada = project.memberships.exclude(user=owner).get().user
    page = open_chat(open_browser, project)
    say(page, "Hello")
    settled(page, 0, "A", "B")
    rates = {"models": 2, "turn": "rating", "final": "none"}
    update_project(project=project, actor=owner, kind_settings=rates)
    judge(page, 0, "B is better")
    with page.expect_request(re.compile(r"/chat/$")) as sent:
        say(page, "And then?")
    assert sent.value.headers["x-tandem-account"] == str(project.ada.pk)
    settled(page, 1, "A", "B")
    judge(page, 1, "A is better")
    submit(page)
    assert Judgement.objects.get().form_version.number == 1


def test_a_question_after_the_conversation(open_browser, make_chat, chat_server):
    """Labels of the whole task, asked only when all models were bad."""
    project = make_chat("echo:1", "echo:2")
    labels = {"tree": [{"name": "wrong"}, {"name": "rude"}], "multiple": True}
    when = {"question": "talk", "final.preference.verdict": ["all_bad"]}
    project.kind = "form"
    project.kind_settings = {
        "questions": [
            {"name": "talk", "kind": "chat", "settings": project.kind_settings},
            {"name": "why", "title": "Why?", "kind": "labels", "settings": labels, "when": when},
        ]
    }
    project.save()
    page = open_chat(open_browser, project)
    say(page, "Hello")
    settled(page, 0, "A", "B")
    judge(page, 0, "All are bad")
    why = page.get_by_role("group", name="Why?", exact=True)
    expect(why).to_be_hidden()
    final = page.get_by_role("region", name="The whole conversation")
    final.get_by_role("radio", name="All are bad").check()
    expect(why).to_be_visible()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".problem")).to_be_visible()
    reload(page)
    expect(why).to_be_visible()
    why.get_by_role("checkbox", name="rude").check()
    submit(page)
    answers = Judgement.objects.get().value["answers"]
    assert answers["talk"]["final"] == {"preference": {"verdict": "all_bad"}}
    assert answers["why"] == {"labels": ["rude"]}


@pytest.mark.parametrize("width", [360, 420])
def test_german_words_have_their_places_on_a_narrow_page(open_browser, make_chat, width):
    """Longer than the English ones: none runs into the next."""
    project = make_chat("echo:1", "echo:2")
    viewport = {"width": width, "height": 850}
    page = open_browser(project.ada, locale="de-DE", viewport=viewport)
    open_desk(page, project)
    page.locator("[data-message]").fill("Hallo")
    page.locator("[data-message]").press("Enter")
    settled(page, 0, "A", "B")
    expect(page.locator("[data-turn='0'] .face").first).to_be_visible()
    found = page.evaluate(
        """() => {
            const texts = [...document.querySelectorAll(".face .word, .deeds .button")];
            const boxes = texts.filter((one) => one.checkVisibility()).map((one) => ({
                said: one.textContent.trim(),
                box: one.getBoundingClientRect(),
                around: (one.closest(".face") ?? document.body).getBoundingClientRect(),
                below: !!one.closest(".deeds"),  // the page scrolls under these
            }));
            const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5
                && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5;
            const over = boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => meet(a.box, b.box)
                && a.below === b.below).map((b) => `${a.said} / ${b.said}`));
            const out = boxes.filter(({ box, around }) => box.left < around.left - 0.5
                || box.right > around.right + 0.5).map(({ said }) => said);
            return { seen: boxes.length, over, out };
        }"""
    )
    assert found["seen"] >= 8
    assert (found["over"], found["out"]) == ([], [])


@pytest.mark.parametrize("width", [1280, 375])
def test_the_newest_replies_stay_in_view(open_browser, make_chat, width):
    """The form about the whole comes below them and pushes none away, also when reopened."""
    models = ("echo:1", "echo:2", "bad_key", "rate_limited")
    criteria = [f"criterion-{number}" for number in range(6)]
    project = make_chat(*models, turn="both", final="both", final_criteria=criteria)
    page = open_browser(project.ada, viewport={"width": width, "height": 800})
    open_desk(page, project)
    say(page, "Hello")
    expect(page.locator("[data-reply][data-state=done]")).to_have_count(2)
    expect(page.locator("[data-reply][data-state=failed]")).to_have_count(2)
    final = page.get_by_role("region", name="The whole conversation")
    expect(final).to_be_visible()
    message = page.locator(".chat-message")
    first = page.locator("[data-reply] .reply-head").first
    for _ in range(2):
        expect(message).to_be_in_viewport()
        expect(first).to_be_in_viewport(ratio=1)
        if width == 1280:
            expect(page.locator("[data-retry]:visible").last).to_be_in_viewport(ratio=1)
        page.reload()
        expect(final).to_be_visible()


def test_undo_shows_the_conversation_with_its_verdicts(open_browser, make_chat):
    project = make_chat("echo", points=100, tasks=2)
    page = open_chat(open_browser, project)
    say(page, "Hello")
    settled(page, 0, "A")
    page.get_by_label("A, 1 to 100").first.fill("70")
    page.get_by_label("A, 1 to 100").last.fill("80")
    submit(page)
    expect(page.locator("[data-turn]")).to_have_count(0)  # the next task
    page.goto(reverse("undo", args=[project.pk]))
    ready(page)
    expect(reply(page, "A")).to_contain_text("heard: Hello")
    expect(page.get_by_label("A, 1 to 100").first).to_have_value("70")
    expect(page.get_by_label("Your message")).to_have_count(0)
    page.get_by_label("A, 1 to 100").first.fill("75")
    page.get_by_role("button", name="Save the change").click()
    expect(page.get_by_text("Your answer is changed.")).to_be_visible()
    newest = Judgement.objects.order_by("pk").last()
    assert newest.value["turns"]["0"] == {"ratings": {"A": 75}}
    assert newest.value["final"] == {"ratings": {"overall": {"A": 80}}}


def test_too_few_models_are_told_to_the_person(open_browser, make_chat):
    project = make_chat("echo", models=2, turn="preference", final="preference")
    page = open_chat(open_browser, project)
    expect(page.get_by_role("heading", name="No conversation can begin yet")).to_be_visible()
    expect(page.locator(".empty")).to_contain_text("asks for 2 models and has 1. Ask a manager")
    expect(page.get_by_label("Your message")).to_have_count(0)


def test_a_model_that_is_gone_before_the_first_message_is_told_to_the_person(
    open_browser, make_chat
):
    project = make_chat("echo", "cut", turn="preference", final="preference")
    page = open_chat(open_browser, project)
    ChatModel.objects.filter(project=project, model="cut").update(retired_at=timezone.now())
    say(page, "Hello")
    expect(page.locator("[data-wrong]")).to_contain_text("asks for 2 models and has 1")
    expect(page.get_by_label("Your message")).to_have_value("Hello")


def test_hostile_replies_and_messages_stay_text(open_browser, make_chat, chat_server):
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script> [x](javascript:alert(3))"

    def attack(handler, body):
        handler.begin_stream()
        handler.say(*(hostile[i : i + 9] for i in range(0, len(hostile), 9)))
        handler.end()

    chat_server.scripts["attack"] = attack
    page = open_chat(open_browser, make_chat("attack"))
    page.on("dialog", lambda dialog: (_ for _ in ()).throw(AssertionError(dialog.message)))
    say(page, hostile)
    settled(page, 0, "A")
    assert page.locator(".chat img, .chat script, .chat [href^=javascript]").count() == 0
    expect(reply(page, "A")).to_contain_text("<img src=x onerror=alert(1)>")


def test_the_server_ends_what_the_browser_left(open_browser, make_chat, chat_server):
    page = open_chat(open_browser, make_chat("halting"))
    say(page, "Hello")
    expect(reply(page, "A").locator("[data-written]")).to_have_text("First half, ")
    page.goto("about:blank")
    chat_server.go.set()
    wait_until(ChatReply.objects.filter(state="done").exists)
    assert ChatReply.objects.get().text == "First half, second half."


def test_the_draft_is_json_without_surprises(open_browser, make_chat):
    page = open_chat(open_browser, make_chat("echo", "echo:2"))
    say(page, "Hello")
    settled(page, 0, "A", "B")
    with page.expect_request(lambda one: "prefer:A" in (one.post_data or "")) as sent:
        judge(page, 0, "A is better")
    fields = json.loads(sent.value.post_data)["fields"]
    assert fields["answer.turns.0.verdict"] == ["prefer:A"]
    assert fields["answer"] == [str(ChatSession.objects.get().pk)]


def test_in_the_arena_names_come_with_the_vote_and_then_the_next_one(open_browser, make_chat):
    project = make_chat("echo:1", "echo:2", turn="none", final="preference", arena=True)
    page = open_chat(open_browser, project)
    say(page, "Who are you?")
    settled(page, 0, "A", "B")
    names = {model.name for model in project.chat_models.all()}
    assert not any(name in page.content() for name in names)
    page.get_by_role("region", name="The whole conversation").get_by_role("radio").first.check()
    submit(page)
    met = page.get_by_text(re.compile(r"You talked with A: The echo:\d, B: The echo:\d\."))
    expect(met.first).to_be_attached()
    expect(page.locator("[data-turn]")).to_have_count(0)
    say(page, "And you?")
    settled(page, 0, "A", "B")
    assert ChatSession.objects.filter(project=project).count() == 2
