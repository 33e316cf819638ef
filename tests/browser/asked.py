"""Every kind as a project asks it, with one way to answer, for tests that hold for all kinds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, expect

from annotate.models import ChatModel, Project, User
from annotate.pages.kinds import PAGE_PARTS
from tests.browser.contents import make_project
from tests.browser.test_work_questions import CRITERIA, FORM
from tests.chat_server import ChatServer

TEXTS = ("Tides come twice a day.\n\nThe moon pulls the sea.", "The *sun* does it.\n\nOr not.")
THREE = (*TEXTS, "Nobody knows.")


@dataclass(frozen=True)
class Asked:
    """`answer` fills in the task shown, without submitting it.

    `context` gives a task's context from the ids of its responses. `models` are those to talk
    with, as tests/chat_server.py knows them.
    """

    name: str
    kind: str
    answer: Callable[[Page], None]
    settings: Mapping[str, Any] = field(default_factory=dict)
    texts: Sequence[str] = TEXTS
    models: Sequence[str] = ()
    context: Callable[[list[int]], dict] = lambda ids: {}

    def project(self, owner: User, server: ChatServer | None = None, tasks: int = 3) -> Project:
        """Asks so; what the models of a chat say comes from `server`."""
        made = [(f"What makes the tides? ({number})", self.texts) for number in range(tasks)]
        project = make_project(owner, self.kind, self.settings, *made)
        for task in project.tasks.all():
            task.context = self.context(list(task.responses.values_list("pk", flat=True)))
            task.save()
        for model in self.models if server else ():
            ChatModel.objects.create(
                project=project,
                name=model,
                base_url=server.base_url,
                model=model,
                created_by=owner,
            )
        return project


def keys(*pressed: str) -> Callable[[Page], None]:
    def press(page: Page) -> None:
        for key in pressed:
            page.keyboard.press(key)

    return press


def mark_the_first_words(page: Page) -> None:
    keys("a", *["Shift+Control+ArrowRight"] * 3, "1")(page)


def write_critiques(page: Page) -> None:
    for box in page.get_by_role("textbox", name="Critique").all():
        box.fill("It says too little.")


def talk(page: Page) -> None:
    """One turn with two models, judged, and the whole judged."""
    page.get_by_label("Your message").fill("What makes the tides?")
    page.get_by_label("Your message").press("Enter")
    expect(page.locator("[data-reply][data-state=done]")).to_have_count(2)
    page.locator("[data-turn='0']").get_by_role("radio", name="B is better").check()
    final = page.get_by_role("region", name="The whole conversation")
    final.get_by_role("radio", name="Equally good").check()


def first_is_the_anchor(ids: list[int]) -> dict:
    return {"anchor": ids[0]}


def another_prompt(ids: list[int]) -> dict:
    return {"prompts": {str(ids[1]): "Why is it dark at night?"}}


RATED = {
    "criteria": [
        {"name": "helpful", "title": "Helpful", "scale": {"points": 3}},
        {"name": "correct", "title": "Correct", "scale": {"type": "yes_no"}, "allow_na": True},
    ]
}
MARKED = {"correction": False, "missing_types": []}
TREE = [
    {"name": "harm", "title": "Harmful", "children": [{"name": "fraud", "title": "Fraud"}]},
    {"name": "style", "title": "Style"},
]
TALK = {"models": 2, "turn": "preference", "final": "preference"}
WITH_CRITERIA = keys("2", "q", "Enter", "4", "w", "Enter", "ArrowRight", "e")

EVERY = (
    Asked("pairwise", "pairwise", keys("2")),
    Asked("criteria", "pairwise", WITH_CRITERIA, CRITERIA),
    Asked("form", "form", keys("2", "Enter", "3", "w"), FORM),
    Asked("ranking", "ranking", keys("2", "1", "3"), {"modes": ["full"]}, THREE),
    Asked("best and worst", "ranking", keys("2", "Shift+Digit1"), {}, THREE),
    Asked("rating", "rating", keys("3", "1", "1", "2"), RATED),
    Asked("steps", "steps", keys("1", "2", "1", "1")),
    Asked("spans", "spans", mark_the_first_words, MARKED, TEXTS[:1]),
    Asked("labels", "labels", keys("2"), {"tree": TREE}),
    Asked("critique", "critique", write_critiques),
    Asked("similarity", "similarity", keys("1"), {}, THREE, context=first_is_the_anchor),
    Asked("joint", "joint", keys("2"), context=another_prompt),
    Asked("chat", "chat", talk, TALK, (), models=("echo:1", "echo:2")),
    Asked("context", "context", keys("2"), context=lambda ids: {"criterion": "Which is shorter?"}),
)
LANDED = [asked for asked in EVERY if asked.kind in {"form", *PAGE_PARTS}]
