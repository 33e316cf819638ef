"""The arena: people write the prompts, anonymous models reply, and the next one is there at once.

A project whose questions are a live chat with `arena` set. Its tasks hold no prompt and are made as
they are asked for; which models reply is the comparison plan's choice where one is on. Their names
are told after the vote, so a vote stays as it was given.
"""

import random
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from annotate.forms import Form
from annotate.handout import Lease, lease_by_ids
from annotate.kinds.chat import LETTERS, NAME, ChatSettings
from annotate.models import (
    ChatModel,
    ChatSession,
    ComparisonPlan,
    Judgement,
    Project,
    Prompt,
    Seat,
    Task,
    User,
    content_hash,
    split_bucket,
)
from annotate.services.work.tasks import open_seats

MOST_HELD = 2  # seats, as annotate/sql/handout.sql has it


def is_arena(form: Form) -> bool:
    """Whether people are handed conversations without end."""
    return isinstance(form.settings, ChatSettings) and form.settings.arena


def next_seat(*, project_id: int, user: User, beside: int | None = None) -> Lease | None:
    """As `handout.lease_by_ids`; in an arena a task is made for whom there is none.

    No query more where a seat was found, one more where none was.
    """
    lease = lease_by_ids(project_id=project_id, user=user, beside=beside)
    if lease is not None:
        return lease
    project = Project.objects.filter(pk=project_id, state=Project.State.ACTIVE).first()
    if project is None or not is_arena(Form.of_project(project)):
        return None
    held = Seat.objects.filter(project=project, annotator=user, state=Seat.State.LEASED)
    if held.count() >= MOST_HELD:
        return None
    make_task(project=project)
    return lease_by_ids(project_id=project_id, user=user, beside=beside)


@transaction.atomic
def make_task(*, project: Project) -> Task:
    """A conversation that anybody may begin."""
    name = f"arena-{uuid.uuid4().hex}"
    digest = content_hash(name)
    prompt = Prompt.objects.create(
        project=project,
        external_id=name,
        conversation=[],
        content_hash=digest,
        split_bucket=split_bucket(digest, project.seed),
    )
    task = Task.objects.create(
        project=project, prompt=prompt, dedup_key=content_hash(name, []), overlap=1
    )
    open_seats(tasks=[task])
    return task


def draw_models(project: Project, available: Sequence[ChatModel], count: int) -> list[int]:
    """Ids of who replies, A first: a group of the comparison plan, else by chance."""
    draw = random.SystemRandom()
    by_name = {model.name: model.pk for model in available}
    plans = ComparisonPlan.objects.filter(project=project, is_on=True)
    groups = plans.values_list("groups", flat=True).first() or []
    fitting = [one for one in groups if len(one) == count and by_name.keys() >= set(one)]
    if not fitting:
        return draw.sample(list(by_name.values()), count)
    group = [by_name[name] for name in draw.choice(fitting)]
    draw.shuffle(group)
    return group


def told_after(judgement: Judgement) -> str:
    """Who the models were, for who judged them; empty elsewhere than in an arena."""
    if judgement.kind != NAME or not is_arena(Form.of_judgement(judgement)):
        return ""
    return _("You talked with %s.") % ", ".join(f"{a}: {name}" for a, name in names_of(judgement))


def names_of(judgement: Judgement) -> list[tuple[str, str]]:
    """(letter, name) of the models of the conversation, once it is judged; none without one."""
    held = ChatSession.objects.filter(task=judgement.task_id, annotator=judgement.annotator_id)
    model_ids = held.values_list("model_ids", flat=True).first() or []
    names = dict(ChatModel.objects.filter(pk__in=model_ids).values_list("pk", "name"))
    return [(letter, names[pk]) for letter, pk in zip(LETTERS, model_ids, strict=False)]
