"""What new responses are drawn and compared under, in projects that ask under a context."""

import random
from collections.abc import Iterable
from typing import Any

from annotate.forms import Form
from annotate.kinds import context
from annotate.models import Project, Task
from training.models import SamplingRun

Context = dict[str, Any]


def asks_under_contexts(project: Project) -> bool:
    return context.NAME in Form.of_project(project).asked_kinds


def contexts_of(run: SamplingRun, prompt_ids: Iterable[int]) -> dict[int, Context]:
    """Of each prompt one of the contexts that its tasks stated before the run, drawn by its seed.

    Prompts without one are left out, as are all of a project that asks under none. One query.
    """
    if not asks_under_contexts(run.project):
        return {}
    tasks = Task.objects.filter(
        project=run.project_id, prompt__in=list(prompt_ids), created_at__lt=run.created_at
    )
    there: dict[int, list[Context]] = {}
    for prompt_id, stated in tasks.order_by("pk").values_list("prompt_id", "context"):
        if context.stated_text(stated):
            own = {name: stated[name] for name in context.STATEMENTS if name in stated}
            mine = there.setdefault(prompt_id, [])
            if own not in mine:
                mine.append(own)
    seed = run.config["seed"]
    return {pk: random.Random(f"context:{seed}:{pk}").choice(all_) for pk, all_ in there.items()}
