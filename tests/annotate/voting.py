"""Projects in which somebody voted, for the tests of leaderboards."""

from itertools import count

from annotate.models import (
    ChatModel,
    ChatReply,
    ChatSession,
    ChatTurn,
    Judgement,
    Project,
    Prompt,
    Response,
    Task,
    TaskResponse,
    User,
)

_NUMBERS = count()


def add_task(project: Project, *models: str, **fields) -> Task:
    """A task with a response by each model; `ids` are theirs."""
    number = next(_NUMBERS)
    prompt = Prompt.objects.create(
        project=project,
        conversation=[{"role": "user", "content": f"Question {number}?"}],
        content_hash=str(number),
        split_bucket=0,
        **fields,
    )
    task = Task.objects.create(project=project, prompt=prompt, dedup_key=str(number))
    task.ids = []
    for position, model in enumerate(models):
        response = Response.objects.create(
            prompt=prompt,
            generator=model,
            content=[{"type": "text", "text": f"{model} " * (position + 1)}],
            content_hash=f"{number} {position}",
        )
        TaskResponse.objects.create(task=task, response=response, position=position)
        task.ids.append(response.pk)
    return task


def judge(task: Task, value: dict, *, kind: str = "pairwise", **fields) -> Judgement:
    fields.setdefault("source", "person")
    return Judgement.objects.create(
        project=task.project, task=task, kind=kind, value=value, **fields
    )


def prefer(task: Task, at: int, **fields) -> Judgement:
    """The response at this place is the better one."""
    value = {"verdict": "prefer", "preferred": task.ids[at], "strength": 1}
    return judge(task, value, shown_order=task.ids, **fields)


def converse(task: Task, annotator: User, *names: str) -> ChatSession:
    """A conversation of one turn, in which the models of these names replied as A, B …"""
    project = task.project
    models = [
        ChatModel.objects.create(
            project=project, name=name, base_url="http://x/v1", model="m", created_by=annotator
        )
        for name in names
    ]
    session = ChatSession.objects.create(
        project=project, task=task, annotator=annotator, model_ids=[one.pk for one in models]
    )
    turn = ChatTurn.objects.create(session=session, number=0, message="Hello")
    for letter, model in zip("ABCD", models, strict=False):
        ChatReply.objects.create(
            turn=turn, letter=letter, model=model, text="Hi", state="done",
            started_at=turn.created_at, heartbeat_at=turn.created_at, finished_at=turn.created_at,
        )  # fmt: skip
    return session


def vote(project: Project, people: list, *, tasks: int = 3, **fields) -> None:
    """All prefer a to b to c, but for the last task of each pair."""
    for models in (("a", "b"), ("b", "c"), ("a", "c")):
        for number in range(tasks):
            task = add_task(project, *models, **fields)
            for person in people:
                prefer(task, number == tasks - 1, annotator=person)
