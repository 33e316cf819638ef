"""Versions side by side, chosen by checkboxes in the list of versions."""

import pytest
from django.urls import reverse

from tests.training.pages.test_runs import REWARD
from training.evaluation.comparison import Slice
from training.evaluation.preference import Proportion
from training.models import ModelVersion
from training.pages import comparison

pytestmark = pytest.mark.django_db


@pytest.fixture
def versions(judged_project, make_scored, client) -> list[ModelVersion]:
    project = judged_project(60, test_percent=50)
    client.force_login(project.created_by)
    made = [make_scored(project, number, right) for number, right in ((1, 1.0), (2, 0.0))]
    ModelVersion.objects.update(metrics=REWARD)
    return made


def compare(client, project_id: int, *ids: object, **options):
    query = {"version": [str(one) for one in ids]}
    return client.get(reverse("compare_versions", args=[project_id]), query, **options)


def test_two_versions_stand_side_by_side(client, versions, django_assert_max_num_queries):
    first, second = versions
    listed = client.get(reverse("model_versions", args=[first.project_id])).content.decode()
    assert f'name="version" value="{second.pk}"' in listed
    assert reverse("compare_versions", args=[first.project_id]) in listed
    with django_assert_max_num_queries(6):
        page = compare(client, first.project_id, second.pk, first.pk)
    assert [version.pk for version in page.context["versions"]] == [first.pk, second.pk]
    rows = page.context["rows"]
    assert rows > 5
    (test,) = page.context["tests"]
    assert (test["rows"], test["only_first"], test["only_second"]) == (rows, rows, 0)
    assert [cell[0] for cell in page.context["slices"][0]["cells"]] == ["100.0 %", "0.0 %"]
    text = page.content.decode()
    assert text.count("66.0 % to 82.0 %") == 4, "own accuracy and length alone, of either"
    assert f"Accuracy on {rows} pairs that all scored" in text


def test_a_margin_of_one_value_is_no_range():
    shares = (Proportion(value=0.5, low=0.2, high=0.8, rows=11),)
    ends = [(1 / 3, 1 / 3), (2 / 3, 1.0)]
    found = [comparison._slice(Slice("margin", "", one, shares))["label"] for one in ends]
    assert found == ["Margin 0.333", "Margin 0.667 to 1"]


def test_what_cannot_be_compared_is_said(client, versions, make_project, make_scored):
    first, second = versions
    for wrong in ((), (first.pk,), (first.pk, first.pk), (first.pk, "x"), range(1, 8)):
        page = compare(client, first.project_id, *wrong, follow=True)
        assert "Choose two to 6 versions" in page.content.decode()
    elsewhere = make_scored(make_project(), 1, 0.5)
    for other in (elsewhere.pk, 10**17):
        assert compare(client, first.project_id, first.pk, other).status_code == 404
    client.force_login(elsewhere.project.created_by)
    assert compare(client, first.project_id, first.pk, second.pk).status_code == 404


def test_versions_without_scores_have_their_figures(client, versions, var_dir):
    (var_dir / "runs").rename(var_dir / "gone")
    page = compare(client, versions[0].project_id, *(version.pk for version in versions))
    text = page.content.decode()
    assert "nothing to test" in text
    assert "66.0 % to 82.0 %" in text
    assert "that all scored" not in text
