"""What pages and programs are told of the choice of what is labelled next."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from annotate.models import JobState, Project, Seat, TaskPlace
from routing.models import Selection, SelectionRun
from routing.settings.selection import DEFAULTS

SHOWN = 20


@dataclass(frozen=True)
class Standing:
    """`ranking` is the one that tasks stand by now, None while they stand in their own order; `run`
    the latest, whatever became of it; `ranked` how many tasks have a place and are still to be had.
    """

    selection: Selection
    run: SelectionRun | None
    ranking: SelectionRun | None
    ranked: int


def standing(project: Project) -> Standing:
    """Four queries."""
    selection = Selection.objects.filter(project=project).first()
    selection = selection or Selection(project=project, settings=dict(DEFAULTS))
    runs = SelectionRun.objects.filter(project=project).order_by("-pk")
    ranked = open_places(project).count()
    done = runs.filter(state=JobState.DONE).first() if ranked else None
    return Standing(selection, runs.first(), done, ranked)


def open_places(project: Project):
    """Places of tasks that somebody may still be given, in their order."""
    to_be_had = Seat.objects.filter(task=OuterRef("task"), state=Seat.State.OPEN)
    return TaskPlace.objects.filter(Exists(to_be_had), project=project).order_by("place")


def first_places(project: Project) -> list[TaskPlace]:
    """Those that are handed out next, with their prompts. One query."""
    return list(open_places(project).select_related("task__prompt")[:SHOWN])
