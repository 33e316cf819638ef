"""Criteria of a project: written, accepted, retired; the sample of outputs, and people's grades."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Max

from annotate.inputs import InvalidValue, clean_boolean, clean_choice, clean_integer
from annotate.kinds.answers import clean_object
from annotate.models import Judge, Project, Task, TaskResponse, User
from annotate.services import audit
from routing.judges.criteria import clean_criterion
from routing.models import Criterion, Grade, SampledOutput

MOST_ACCEPTED = 20
MOST_SAMPLE = 500
WHOLE = "whole"


@transaction.atomic
def save_criterion(
    *,
    project: Project,
    actor: User | None,
    name: str,
    text: str,
    state: str = Criterion.State.ACCEPTED,
    drafted_by: Judge | None = None,
) -> Criterion:
    """A new criterion, or a new version of the one of that name, which is then retired; the same
    words again are the version that there is. Raises InvalidValue.
    """
    cleaned = clean_criterion("criterion", {"name": name, "text": text})
    clean_choice("criterion.state", state, ("draft", "accepted"))
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    mine = Criterion.objects.filter(project=project, name=cleaned["name"])
    found = mine.filter(text=cleaned["text"]).first()
    if found is not None:
        return _moved(found, state, actor) if state == "accepted" else found
    criterion = Criterion.objects.create(
        project=project,
        version=(mine.aggregate(Max("version"))["version__max"] or 0) + 1,
        drafted_by=drafted_by,
        created_by=actor,
        **cleaned,
    )
    audit.record(
        action="judge.criterion_saved", target=criterion, actor=actor, project=project, **cleaned
    )
    return _moved(criterion, state, actor)


@transaction.atomic
def set_criterion_state(*, criterion: Criterion, actor: User | None, state: str) -> Criterion:
    """Accept a draft, or retire it; one version of a name is accepted. Raises InvalidValue."""
    clean_choice("state", state, ("accepted", "retired"))
    Project.objects.select_for_update(no_key=True).get(pk=criterion.project_id)
    return _moved(Criterion.objects.get(pk=criterion.pk), state, actor)


def _moved(criterion: Criterion, state: str, actor: User | None) -> Criterion:
    if criterion.state == state:
        return criterion
    if state == Criterion.State.ACCEPTED:
        accepted = Criterion.objects.filter(
            project=criterion.project_id, state=Criterion.State.ACCEPTED
        )
        accepted.filter(name=criterion.name).update(state=Criterion.State.RETIRED)
        if accepted.count() >= MOST_ACCEPTED:
            raise InvalidValue(
                "criterion", "{most} criteria are accepted; retire one first", most=MOST_ACCEPTED
            )
    criterion.state = state
    criterion.save(update_fields=["state"])
    audit.record(
        action=f"judge.criterion_{state}",
        target=criterion,
        actor=actor,
        project=criterion.project,
        name=criterion.name,
        version=criterion.version,
    )
    return criterion


@transaction.atomic
def draw_sample(*, project: Project, actor: User | None, count: int) -> int:
    """Add so many outputs by chance, each of another task that is not in the sample; returns how
    many there were. Raises InvalidValue.
    """
    clean_integer("count", count, low=1, high=MOST_SAMPLE)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    mine = SampledOutput.objects.filter(project=project)
    if mine.count() + count > MOST_SAMPLE:
        raise InvalidValue("count", "the sample holds at most {most} outputs", most=MOST_SAMPLE)
    tasks = Task.objects.filter(project=project).exclude(pk__in=mine.values("task"))
    chosen = list(tasks.order_by("?").values_list("pk", flat=True)[:count])
    places = TaskResponse.objects.filter(task__in=chosen).order_by("?")
    one_each = {place.task_id: place.response_id for place in places}
    known = set(mine.filter(response__in=one_each.values()).values_list("response", flat=True))
    last = mine.aggregate(Max("number"))["number__max"] or 0
    rows, taken = [], known
    for task_id in chosen:
        response_id = one_each.get(task_id)
        if response_id is not None and response_id not in taken:
            taken.add(response_id)
            last += 1
            rows.append(
                SampledOutput(
                    project=project, number=last, task_id=task_id, response_id=response_id
                )
            )
    SampledOutput.objects.bulk_create(rows)
    audit.record(
        action="judge.sample_drawn", target=project, actor=actor, project=project, outputs=len(rows)
    )
    return len(rows)


@transaction.atomic
def save_grades(
    *, output: SampledOutput, person: User, grades: Mapping[str, object]
) -> list[Grade]:
    """`grades`: passes by the id of a criterion, or of the response as a "whole"; null takes a
    grade back. What is not named stays. Raises InvalidValue.
    """
    accepted = {
        str(one.pk): one
        for one in Criterion.objects.filter(project=output.project_id, state="accepted")
    }
    given = clean_object("grades", grades, [WHOLE, *accepted])
    SampledOutput.objects.select_for_update(no_key=True).get(pk=output.pk)
    mine = Grade.objects.filter(output=output, person=person)
    before = {str(one.criterion_id or WHOLE): one.passes for one in mine}
    for name, passes in given.items():
        criterion = accepted.get(name)
        row = mine.filter(criterion=criterion)
        if passes is None:
            row.delete()
        elif not row.update(passes=clean_boolean(f"grades.{name}", passes)):
            Grade.objects.create(output=output, person=person, criterion=criterion, passes=passes)
    after = {str(one.criterion_id or WHOLE): one.passes for one in mine.all()}
    if after != before:
        audit.record(
            action="judge.output_graded",
            target=output,
            actor=person,
            project=output.project,
            before=before,
            after=after,
        )
    return list(mine.all())
