"""What is asked is versioned: answers are checked and kept under what their author saw."""

import pytest
from django.db import DatabaseError, connection, transaction

from annotate.forms import Form
from annotate.handout import lease_seat
from annotate.kinds import InvalidValue
from annotate.models import FormVersion, Judgement
from annotate.services.projects import create_project, update_project
from annotate.services.work.judgements import revise_judgement, submit_judgement

pytestmark = pytest.mark.django_db

TIE = {"verdict": "tie"}
NO_TIE = {"allow_tie": False}


@pytest.fixture
def owner(make_user):
    return make_user("owner")


@pytest.fixture
def project(owner, make_pair_tasks):
    project = create_project(actor=owner, name="Answers", guidelines="Be fair.")
    make_pair_tasks(project, 3)
    return project


def change(project, owner, **fields):
    return update_project(project=project, actor=owner, **fields)


def test_a_new_project_has_version_1(project, owner):
    [first] = project.form_versions.all()
    assert project.form_version == first
    assert (first.number, first.kind, first.guidelines) == (1, "pairwise", "Be fair.")
    assert first.kind_settings == project.kind_settings
    assert first.created_by == owner


def test_changes_of_the_form_begin_a_version_and_others_do_not(project, owner, make_user):
    other = make_user("other")
    change(project, owner, name="New name", overlap=2)
    assert FormVersion.objects.count() == 1
    change(project, other, guidelines="Be kind.")
    change(project, other, guidelines="Be kind.")
    project = change(project, other, kind_settings=NO_TIE)
    numbers = list(project.form_versions.order_by("number").values_list("number", "created_by"))
    assert numbers == [(1, owner.pk), (2, other.pk), (3, other.pk)]
    assert project.form_version.number == 3
    assert project.form_version.kind_settings["allow_tie"] is False


def test_settings_in_lists_do_not_look_changed(owner):
    questions = [{"name": "q", "kind": "pairwise", "when": None}]
    project = create_project(
        actor=owner, name="F", kind="form", kind_settings={"questions": questions}
    )
    change(project, owner, kind_settings={"questions": questions})
    assert project.form_versions.count() == 1


def test_an_answer_is_checked_under_the_form_that_was_shown(project, owner):
    lease = lease_seat(project=project, user=owner)
    beside = lease_seat(project=project, user=owner, beside=lease.seat_id)
    change(project, owner, kind_settings=NO_TIE)
    old = submit_judgement(seat_id=lease.seat_id, user=owner, value=TIE, form=lease.form_version)
    assert old.judgement.form_version.number == 1
    assert Judgement.objects.get().form_version.number == 1
    with pytest.raises(InvalidValue, match=r"value\.verdict"):
        submit_judgement(seat_id=beside.seat_id, user=owner, value=TIE)
    shown = lease_seat(project=project, user=owner)
    assert shown.form_version == project.form_versions.get(number=2).pk
    preferred = {"verdict": "prefer", "preferred": shown.responses[0]["id"], "strength": 1}
    new = submit_judgement(seat_id=shown.seat_id, user=owner, value=preferred)
    assert new.judgement.form_version.number == 2


def test_a_revision_is_checked_under_the_judgements_own_form(project, owner):
    lease = lease_seat(project=project, user=owner)
    first = submit_judgement(seat_id=lease.seat_id, user=owner, value=TIE)
    project = change(project, owner, kind_settings={"allow_both_good": True, "allow_tie": False})
    tie = {"judgement_id": first.judgement.pk, "user": owner, "reason": "undo"}
    with pytest.raises(InvalidValue):
        revise_judgement(value={"verdict": "both_good"}, **tie)
    done = revise_judgement(value={"verdict": "both_bad"}, **tie)
    assert done.judgement.form_version.number == 1
    assert Form.of_judgement(done.judgement).settings.allow_tie


def test_a_judgement_from_before_versions_is_revised_under_the_first(project, owner):
    """As migration 0005 leaves them: they name no version, and the first is the form they had."""
    lease = lease_seat(project=project, user=owner)
    ids = [response["id"] for response in lease.responses]
    old = Judgement.objects.create(
        project=project,
        task_id=lease.task_id,
        seat_id=lease.seat_id,
        kind="pairwise",
        value=TIE,
        source="person",
        annotator=owner,
        shown_order=ids,
    )
    change(project, owner, kind_settings={"strength_levels": 1, "allow_tie": False})
    much = {"verdict": "prefer", "preferred": ids[0], "strength": 3}
    revise_judgement(judgement_id=old.pk, user=owner, value=much)
    newest = Judgement.objects.get(supersedes=old)
    assert newest.value == much
    assert Form.of_judgement(newest).settings.allow_tie


@pytest.mark.parametrize("form", [0, -1, "1", True, 2**63, 999_999])
def test_forms_of_nowhere_are_refused(project, owner, form):
    lease = lease_seat(project=project, user=owner)
    with pytest.raises(InvalidValue, match="form"):
        submit_judgement(seat_id=lease.seat_id, user=owner, value=TIE, form=form)


def test_another_projects_form_is_refused(project, owner):
    other = create_project(actor=owner, name="Other")
    lease = lease_seat(project=project, user=owner)
    with pytest.raises(InvalidValue, match="no form of this project"):
        submit_judgement(seat_id=lease.seat_id, user=owner, value=TIE, form=other.form_version_id)


def test_a_project_without_versions_is_checked_as_it_is(make_project, make_pair_tasks):
    project = make_project()
    make_pair_tasks(project, 1)
    lease = lease_seat(project=project, user=project.created_by)
    assert lease.form_version is None
    done = submit_judgement(seat_id=lease.seat_id, user=project.created_by, value=TIE)
    assert done.judgement.form_version is None
    assert Form.of_judgement(done.judgement).settings.allow_tie


@pytest.mark.parametrize(
    "deed", ["UPDATE annotate_formversion SET number = 9", "DELETE FROM annotate_formversion"]
)
def test_versions_never_change(project, deed):
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(deed)


def test_the_answer_may_be_read_when_the_form_is_known(project, owner):
    lease = lease_seat(project=project, user=owner)
    seen = []

    def read(form):
        seen.append(form)
        return TIE

    done = submit_judgement(seat_id=lease.seat_id, user=owner, value=read)
    assert done.judgement.value == TIE
    assert [(form.kind, form.version) for form in seen] == [("pairwise", lease.form_version)]
