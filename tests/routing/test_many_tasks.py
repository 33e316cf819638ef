"""Runs over many tasks: what they hold and ask for does not grow with what is done."""

from array import array

import pytest
from django.db import connection

from annotate.models import Task
from routing.models import InstanceFeatures
from routing.services import featurising
from routing.services.ids import ids_of
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project):
    project = make_project(overlap=1)
    take_in(project, rows(6, votes=0))
    return project


def test_ids_are_kept_in_eight_bytes_each(project) -> None:
    tasks = Task.objects.filter(project=project).order_by("-pk")
    found = ids_of(tasks)
    assert found.tolist() == sorted((task.pk for task in tasks), reverse=True)
    assert (type(found), found.itemsize) == (array, 8)


def test_tasks_without_features_are_found_by_no_search_through_all_rows(project) -> None:
    spec = featurising.freeze_specification(project=project)
    there = InstanceFeatures.objects.filter(spec=spec).order_by("task")
    some = list(there.values_list("task", flat=True))[:2]
    there.filter(task__in=some).delete()
    missing = featurising._missing(spec)
    assert list(missing.values_list("pk", flat=True)) == some
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64kB'")  # as if there were a million rows
    assert "SubPlan" not in missing.explain()
