"""Projects of any kind, with contents of the demonstration or of one's own."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from playwright.sync_api import Page, expect

from annotate.models import Judgement, Project, Task, TaskResponse, User
from annotate.models.content import Prompt, Response, content_hash, split_bucket
from annotate.services.projects import create_project
from annotate.services.work.tasks import open_seats


def demo(name: str, *generators: str) -> tuple[str, list[str]]:
    """A question of the demonstration and the texts of those generators, such as "safety-01"."""
    topic, _dash, _number = name.rpartition("-")
    path = settings.BASE_DIR / "annotate/demo/content" / f"{topic.replace('-', '_')}.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    row = next(row for row in rows if row["id"] == f"demo-{name}")
    texts = {response["generator"]: response["text"] for response in row["responses"]}
    return row["prompt"][-1]["content"], [texts[generator] for generator in generators]


def make_project(
    owner: User,
    kind: str,
    kind_settings: Mapping[str, Any],
    *tasks: tuple[str, Sequence[str]],
    context: Mapping[str, Any] | None = None,
) -> Project:
    """A project whose tasks are (question, texts of the responses), for its owner to answer."""
    project = create_project(
        actor=owner, name="Answers", kind=kind, kind_settings=dict(kind_settings)
    )
    made = [_make_task(project, question, texts, context or {}) for question, texts in tasks]
    open_seats(tasks=made)
    return project


def _make_task(project: Project, question: str, texts: Sequence[str], context: Mapping) -> Task:
    conversation = [{"role": "user", "content": question}]
    digest = content_hash("", conversation)
    prompt = Prompt.objects.create(
        project=project,
        conversation=conversation,
        content_hash=digest,
        split_bucket=split_bucket(digest, project.seed),
    )
    task = Task.objects.create(
        project=project,
        prompt=prompt,
        dedup_key=content_hash(prompt.pk),
        overlap=project.overlap,
        context=dict(context),
    )
    for position, text in enumerate(texts):
        response = Response.objects.create(
            prompt=prompt,
            generator=f"g{position}",
            content=[{"type": "text", "text": text}],
            content_hash=content_hash(position, text),
        )
        TaskResponse.objects.create(task=task, response=response, position=position)
    return task


def shown_ids(page: Page) -> list[int]:
    """The ids of the responses from A on."""
    return page.locator(".response").evaluate_all("all => all.map(one => +one.dataset.response)")


def under(page: Page, letter: str):
    """What is asked under a response."""
    return page.locator(f".column:has(#response-{letter}) .question")


def and_more(words: str, count: int) -> str:
    """What the foot of the page says where so many more things are wrong."""
    return f"{words} And {count} more, each marked at its place."


def problem(page: Page):
    return page.locator("p.problem")


def submit(page: Page) -> dict:
    """By mouse; the stored value. The page shows another task or has left when this returns."""
    button = page.get_by_role("button", name=re.compile("^(Submit|Save the change)"))
    return _hand_in(page, button.click)


def enter(page: Page) -> dict:
    """As `submit`, by key."""
    return _hand_in(page, lambda: page.keyboard.press("Enter"))


def _hand_in(page: Page, deed: Callable[[], None]) -> dict:
    shown = page.locator("#task, form#answer").first
    shown.evaluate("task => task.dataset.handedIn = ''")
    with page.expect_response(re.compile("/submit/|/judgements/")) as answer:
        deed()
    assert answer.value.status in (200, 302)
    expect(problem(page)).to_be_hidden()
    expect(page.locator("[data-handed-in]")).to_have_count(0)
    return last_value()


def last_value() -> dict:
    return Judgement.objects.latest("pk").value


def wait_for_draft(page: Page) -> None:
    """Returns when the server has all that was entered so far."""
    expect(page.locator("[data-status]")).to_have_text("Saved")
