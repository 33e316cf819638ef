"""What is known of members, and the teams that they are in."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from annotate.inputs import InvalidValue
from annotate.models import AuditEvent, FormerStanding, Membership, Standing
from annotate.services.people.members import add_member as take_in
from annotate.services.people.members import change_member, remove_member
from annotate.services.people.standing import let_in, pause_member, resume_member
from annotate.services.people.teams import create_team, delete_team, rename_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga(make_user):
    return make_user("olga")


@pytest.fixture
def project(make_project, olga):
    return make_project(olga)


def test_a_member_comes_with_what_is_known(project, olga, make_user) -> None:
    team = create_team(project=project, name=" Night  shift ", actor=olga)
    member = take_in(
        project=project,
        user=make_user("ada"),
        role="annotator",
        actor=olga,
        tier="expert",
        languages=["pt_br", "DE", "de"],
        skills=["  Organic   Chemistry", "python"],
        team="night SHIFT",
    )
    member.refresh_from_db()
    assert (member.tier, member.team) == ("expert", team)
    assert member.languages == ["de", "pt-BR"]
    assert member.skills == ["organic chemistry", "python"]
    assert team.name == "Night shift"
    detail = AuditEvent.objects.get(action="member.added").detail
    assert detail["team"] == "Night shift"
    assert detail["languages"] == ["de", "pt-BR"]


def test_what_nobody_said_is_crowd_without_anything(project, olga, make_user) -> None:
    member = take_in(project=project, user=make_user("ada"), role="annotator", actor=olga)
    assert (member.tier, member.languages, member.skills, member.team) == ("crowd", [], [], None)


def test_a_change_is_audited_once(project, olga) -> None:
    member = project.memberships.get()
    change_member(membership=member, actor=olga, tier="expert", skills=["law"])
    change_member(membership=member, actor=olga, tier="expert", skills=["LAW"])
    [event] = AuditEvent.objects.filter(action="member.changed")
    assert event.detail["before"] == {"tier": "crowd", "skills": []}
    assert event.detail["after"] == {"tier": "expert", "skills": ["law"]}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"tier": "king"}, ["tier"]),
        ({"languages": "de"}, ["languages"]),
        ({"languages": ["de", "deutsch ", 3]}, ["languages.1", "languages.2"]),
        ({"languages": ["de"] * 51}, ["languages"]),
        ({"skills": ["a,b", "", "x" * 41, "a\nb", None]}, [f"skills.{i}" for i in range(5)]),
        ({"team": "nobody"}, ["team"]),
        ({"team": 2**70}, ["team"]),
        ({"team": True}, ["team"]),
        ({"tier": None, "team": ["a"]}, ["tier", "team"]),
    ],
)
def test_all_that_is_wrong_is_told_at_its_field(project, olga, fields, wrong) -> None:
    with pytest.raises(InvalidValue) as refused:
        change_member(membership=project.memberships.get(), actor=olga, **fields)
    assert [error.field for error in refused.value.all] == wrong
    assert not AuditEvent.objects.filter(action="member.changed").exists()


def test_only_managers_change_it(project, make_user, add_member) -> None:
    reviewer = add_member(project, make_user("rita"), "reviewer")
    with pytest.raises(PermissionDenied):
        change_member(membership=reviewer, actor=reviewer.user, tier="expert")


def test_a_team_of_another_project_takes_nobody(project, olga, make_project) -> None:
    other = create_team(project=make_project(olga), name="Theirs", actor=olga)
    member = project.memberships.get()
    for team in (other, other.pk, "Theirs"):
        with pytest.raises(InvalidValue, match="no such team here"):
            change_member(membership=member, actor=olga, team=team)
    with (
        pytest.raises(IntegrityError, match="membership_team_of_project"),
        transaction.atomic(),
    ):
        Membership.objects.filter(pk=member.pk).update(team=other)


def test_a_team_is_made_renamed_and_dissolved(project, olga) -> None:
    team = create_team(project=project, name="A", actor=olga)
    second = create_team(project=project, name="B", actor=olga)
    with pytest.raises(InvalidValue, match='named "a" here already'):
        create_team(project=project, name="a", actor=olga)
    with pytest.raises(InvalidValue, match="already"):
        rename_team(team=second, name="a", actor=olga)
    for name in ("", "  ", "x" * 81, "two\nlines", None):
        with pytest.raises(InvalidValue):
            rename_team(team=team, name=name, actor=olga)
    rename_team(team=team, name="a", actor=olga)
    member = change_member(membership=project.memberships.get(), actor=olga, team=team)
    delete_team(team=team, actor=olga)
    member.refresh_from_db()
    assert member.team is None
    deeds = AuditEvent.objects.filter(action__startswith="team.").order_by("pk")
    assert [event.action for event in deeds] == [
        *("team.created", "team.created", "team.renamed", "team.deleted"),
    ]


def test_who_comes_back_is_still_paused_and_qualified(project, olga, make_user) -> None:
    ada = make_user("ada")
    member = take_in(project=project, user=ada, role="annotator", actor=olga)
    let_in(membership=member, actor=olga)
    pause_member(membership=member, actor=olga)
    before = Standing.objects.get()
    for _ in range(2):  # by leaving, and by being removed
        remove_member(membership=Membership.objects.get(user=ada), actor=ada)
        assert not Standing.objects.exists()
        member = take_in(project=project, user=ada, role="annotator", actor=olga)
        now = member.standing
        assert (now.paused_why, now.paused_at) == ("manager", before.paused_at)
        assert now.qualified_at == before.qualified_at
        assert not FormerStanding.objects.exists()
    resume_member(membership=member, actor=olga)
    remove_member(membership=member, actor=olga)
    member = take_in(project=project, user=ada, role="annotator", actor=olga)
    assert member.standing.paused_at is None


def test_who_has_no_standing_comes_back_to_none_of_others(project, olga, make_user) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    paused = take_in(project=project, user=bob, role="annotator", actor=olga)
    pause_member(membership=paused, actor=olga)
    remove_member(membership=paused, actor=bob)
    take_in(project=project, user=ada, role="annotator", actor=olga)
    assert not Standing.objects.exists()
    assert FormerStanding.objects.get().user == bob
