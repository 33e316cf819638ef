"""Pairs in which people turn refusals down, for the tests of features of preferences."""

import random

from annotate.models import Judgement, Project, Prompt, Response, Task, TaskResponse

TOPICS = ("the weather in spring", "how bread is baked", "a train to the sea", "tax on houses")
MORE = "It goes on for a while about this and that, and then about something else again."
REFUSAL = "I am sorry, but I cannot help with that request. Please ask somebody else."


def plant_pairs(project: Project, people: list, count: int = 220) -> None:
    """Every other task has an answer and a refusal, which one vote of ten prefers; the others have
    two answers, of which either is preferred. Two prompts of five are held out.
    """
    chance = random.Random(7)
    prompts = Prompt.objects.bulk_create(
        Prompt(
            project=project,
            conversation=[{"role": "user", "content": f"Question {number}?"}],
            content_hash=str(number),
            split_bucket=10 if number % 5 < 2 else 80,
        )
        for number in range(count)
    )
    tasks = Task.objects.bulk_create(
        Task(project=project, prompt=prompt, dedup_key=str(number))
        for number, prompt in enumerate(prompts)
    )
    responses = Response.objects.bulk_create(
        Response(
            prompt=prompt,
            content=[{"type": "text", "text": text}],
            content_hash=f"{number} {at}",
        )
        for number, prompt in enumerate(prompts)
        for at, text in enumerate(_texts(number))
    )
    TaskResponse.objects.bulk_create(
        TaskResponse(task=tasks[at // 2], response=response, position=at % 2)
        for at, response in enumerate(responses)
    )
    Judgement.objects.bulk_create(
        _vote(task, responses[2 * number : 2 * number + 2], number, chance.choice(people), chance)
        for number, task in enumerate(tasks)
    )


def _refused(number: int) -> int | None:
    return number // 2 % 2 if number % 2 else None


def _texts(number: int) -> list[str]:
    topic, other = TOPICS[number % 4], TOPICS[(number + 1) % 4]
    texts = [f"This tells of {topic}, number {number}.", f"Here it is about {other}, {number}."]
    if (refused := _refused(number)) is not None:
        texts[refused] = f"{REFUSAL} ({number})"
        texts[1 - refused] += f" {MORE}" * (number // 4 % 2)  # so that length tells nothing
    return texts


def _vote(task: Task, shown: list[Response], number: int, person, chance) -> Judgement:
    refused = _refused(number)
    wanted = chance.randrange(2) if refused is None else 1 - refused
    preferred = shown[wanted ^ (chance.random() < 0.1)].pk
    return Judgement(
        project=task.project,
        task=task,
        kind="pairwise",
        source="person",
        annotator=person,
        value={"verdict": "prefer", "preferred": preferred, "strength": 1},
        shown_order=[one.pk for one in shown],
    )
