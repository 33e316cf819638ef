"""Fitting where hardly anything is labelled, or nothing can be."""

import pytest
from django.urls import reverse

from annotate.models import JobState
from tests.routing.planted import rows, take_in
from tests.routing.test_fitted_policies import fit

pytestmark = pytest.mark.django_db


def test_one_vote_a_task_is_enough_for_a_fit_and_its_page(make_project, length_judge, client):
    project = make_project(overlap=1, seed=3, test_percent=30)
    take_in(project, rows(100, votes=1))
    for kind in ("error", "cascade", "random"):
        run = fit(project, kind=kind)
        assert run.state == JobState.DONE, run.message
        client.force_login(project.created_by)
        assert client.get(reverse("policy", args=[run.policy.pk])).status_code == 200
    assert client.get(reverse("policies", args=[project.pk])).status_code == 200


def test_a_project_without_pairs_is_told_so(make_project, length_judge):
    run = fit(make_project(overlap=1))
    assert run.state == JobState.FAILED
    assert "reference pool is empty" in run.message
