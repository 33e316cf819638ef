"""Promotion and roll-back."""

import pytest

from annotate.kinds import InvalidValue
from annotate.models import AuditEvent
from tests.hearing import heard, listen
from training import folders
from training.models import ModelVersion, TrainingRun
from training.services.registry import in_service, promote, roll_back

pytestmark = pytest.mark.django_db


@pytest.fixture
def make_version(var_dir):
    """make_version(project, number) -> a policy with a folder."""

    def make(project, number: int, kind: str = "policy") -> ModelVersion:
        run = TrainingRun.objects.create(project=project, recipe="dpo")
        path = f"{project.pk}/{kind}-run{run.pk}"
        folders.model_folder(path).mkdir(parents=True)
        return ModelVersion.objects.create(
            project=project, kind=kind, number=number, run=run, path=path
        )

    return make


def test_one_version_serves_at_a_time(make_project, make_version):
    project = make_project()
    first, second = make_version(project, 1), make_version(project, 2)
    judge = make_version(project, 1, kind="reward_model")
    assert in_service(project=project, kind="policy") is None
    promote(version=first, actor=None)
    promote(version=judge, actor=None)
    promote(version=second, actor=None, anyway="no scores are kept")
    assert in_service(project=project, kind="policy") == second
    assert in_service(project=project, kind="reward_model") == judge
    first.refresh_from_db()
    assert first.state == "retired"
    detail = AuditEvent.objects.get(object_id=second.pk, action="training.model_promoted").detail
    assert detail["instead_of"] == detail["gate"]["against"] == first.pk
    assert detail["anyway"] == "no scores are kept"


def test_promoting_twice_changes_nothing(make_project, make_version):
    version = make_version(make_project(), 1)
    at = promote(version=version, actor=None).promoted_at
    assert promote(version=version, actor=None).promoted_at == at
    assert AuditEvent.objects.filter(action="training.model_promoted").count() == 1


def test_a_version_without_its_files_is_refused(make_project, make_version):
    version = make_version(make_project(), 1)
    folders.model_folder(version.path).rmdir()
    with pytest.raises(InvalidValue, match="missing"):
        promote(version=version, actor=None)


def test_rolling_back_goes_back_in_the_order_of_promotion(make_project, make_version):
    project = make_project()
    first, second, third = (make_version(project, number) for number in (1, 2, 3))
    with pytest.raises(InvalidValue, match="no version is in service"):
        roll_back(project=project, kind="policy", actor=None)
    for version in (second, first, third):
        promote(version=version, actor=None, anyway="to try the roll-back")
    assert roll_back(project=project, kind="policy", actor=None) == first
    assert in_service(project=project, kind="policy") == first
    assert roll_back(project=project, kind="policy", actor=None) == second
    with pytest.raises(InvalidValue, match="no version served before"):
        roll_back(project=project, kind="policy", actor=None)
    assert ModelVersion.objects.filter(state="in_service").count() == 1


def test_what_was_rolled_back_is_no_place_to_roll_back_to(make_project, make_version):
    project = make_project()
    first, bad, third = (make_version(project, number) for number in (1, 2, 3))
    for version in (first, bad):
        promote(version=version, actor=None, anyway="to try the roll-back")
    assert roll_back(project=project, kind="policy", actor=None) == first
    promote(version=third, actor=None, anyway="to try the roll-back")
    assert roll_back(project=project, kind="policy", actor=None) == first
    promote(version=bad, actor=None, anyway="it was mended")
    promote(version=third, actor=None, anyway="to try the roll-back")
    assert roll_back(project=project, kind="policy", actor=None) == bad


def test_webhooks_are_told_what_serves(make_project, make_version):
    project = make_project()
    listen(project, "model.promoted")
    first, second = make_version(project, 1), make_version(project, 2)
    promote(version=first, actor=None)
    promote(version=first, actor=None)
    promote(version=second, actor=None, anyway="to try the roll-back")
    roll_back(project=project, kind="policy", actor=None)
    said = [event["data"] for event in heard()]
    assert [(one["model_version"], one["instead_of"], one["rolled_back"]) for one in said] == [
        (first.pk, None, False),
        (second.pk, first.pk, False),
        (first.pk, second.pk, True),
    ]
