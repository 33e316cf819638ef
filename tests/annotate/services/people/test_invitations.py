"""Invitations: who may make them, when they let somebody in, and when no more."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from annotate.inputs import InvalidValue
from annotate.models import AuditEvent, Invitation, Membership, RateCount, User
from annotate.services.people.invitations import (
    InvitationOver,
    accept_invitation,
    create_invitation,
    find_invitation,
    invitation_token,
    register,
    revoke_invitation,
)
from annotate.services.people.members import change_role, remove_member
from annotate.services.people.rates import TooManyTries, count_try, forget_tries
from annotate.services.people.teams import create_team, delete_team

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def olga(make_user):
    return make_user("olga")


@pytest.fixture
def project(make_project, olga):
    return make_project(olga)


@pytest.fixture
def invite(project, olga):
    """invite(**fields) -> a new invitation of Olga's."""
    return lambda **fields: create_invitation(project=project, actor=olga, **fields)


def test_a_link_leads_to_its_invitation_and_no_other(invite, settings) -> None:
    first, second = invite(), invite()
    token = invitation_token(first)
    assert find_invitation(token) == first
    assert len(token.partition("-")[2]) == 43  # 256 bits
    assert token not in str(Invitation.objects.values())
    swapped = token.replace(f"{first.pk}-", f"{second.pk}-")
    for wrong in (
        swapped,
        token[:-1],
        token + "A",
        f"{first.pk}-",
        "",
        "-",
        "x-y",
        "9" * 30 + "-a",
    ):
        assert find_invitation(wrong) is None
    assert find_invitation("\ud800-\0") is None
    settings.SECRET_KEY = "another"
    assert find_invitation(token) is None


def test_whoever_accepts_comes_in_as_the_link_says(invite, project, olga, make_user) -> None:
    team = create_team(project=project, name="Night", actor=olga)
    invitation = invite(role="reviewer", tier="expert", team="Night")
    member = accept_invitation(invitation=invitation, user=make_user("ada"), address="192.0.2.1")
    assert (member.role, member.tier, member.team) == ("reviewer", "expert", team)
    event = AuditEvent.objects.get(action="member.joined")
    assert (event.actor.username, event.address) == ("ada", "192.0.2.1")
    assert event.detail["invitation"] == invitation.pk


def test_a_use_is_counted_once_a_person(invite, make_user) -> None:
    invitation = invite(max_uses=2)
    ada = make_user("ada")
    first = accept_invitation(invitation=invitation, user=ada)
    assert accept_invitation(invitation=invitation, user=ada) == first
    accept_invitation(invitation=invitation, user=make_user("bob"))
    with pytest.raises(InvitationOver, match="used up"):
        accept_invitation(invitation=invitation, user=make_user("cy"))
    invitation.refresh_from_db()
    assert invitation.uses == 2


def test_a_link_that_is_over_says_why(invite, olga, make_user) -> None:
    ada = make_user("ada")
    revoked, expired = invite(), invite()
    revoke_invitation(invitation=revoked, actor=olga)
    revoke_invitation(invitation=revoked, actor=olga)
    Invitation.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    expired.refresh_from_db()
    for invitation, why in ((revoked, "was revoked"), (expired, "expired on 20")):
        with pytest.raises(InvitationOver, match=why):
            accept_invitation(invitation=invitation, user=ada)
        invitation.refresh_from_db()
        with pytest.raises(InvitationOver, match=why):
            register(invitation=invitation, username="new", password=PASSWORD)
    assert not User.objects.filter(username="new").exists()
    assert AuditEvent.objects.filter(action="invitation.revoked").count() == 1


def test_who_was_removed_does_not_come_back_by_the_same_link(invite, olga, make_user) -> None:
    invitation, ada = invite(max_uses=9), make_user("ada")
    member = accept_invitation(invitation=invitation, user=ada)
    remove_member(membership=member, actor=olga)
    with pytest.raises(InvalidValue, match="by this link before"):
        accept_invitation(invitation=invitation, user=ada)
    accept_invitation(invitation=invite(), user=ada)


def test_an_account_is_made_with_its_membership_or_not_at_all(invite, make_user) -> None:
    invitation = invite()
    member = register(
        invitation=invitation, username="ada", password=PASSWORD, email="ada@example.org"
    )
    assert member.user.check_password(PASSWORD)
    assert member.user.email == "ada@example.org"
    with pytest.raises(InvitationOver):
        register(invitation=invitation, username="bob", password=PASSWORD)
    assert not User.objects.filter(username="bob").exists()
    assert PASSWORD not in str(list(AuditEvent.objects.values_list("detail", flat=True)))


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"username": "OLGA"}, ["username"]),
        (
            {"username": "a b", "password": "12345678", "email": "x"},
            ["username", "email", "password"],
        ),
        ({"username": "", "password": ""}, ["username", "password"]),
        ({"username": "x" * 151}, ["username"]),
        ({"username": "ada.lovelace", "password": "ada.lovelace"}, ["password"]),
        ({"username": None, "password": None}, ["username", "password"]),
    ],
)
def test_what_is_wrong_with_an_account_stands_at_its_field(invite, values, wrong) -> None:
    with pytest.raises(InvalidValue) as refused:
        register(invitation=invite(), **{"username": "ada", "password": PASSWORD, **values})
    assert [error.field for error in refused.value.all] == wrong
    assert not User.objects.filter(username="ada").exists()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"role": "owner"}, ["role"]),
        ({"max_uses": 0, "days": 366}, ["max_uses", "days"]),
        ({"max_uses": True, "days": "7"}, ["max_uses", "days"]),
        ({"tier": "king", "team": "none"}, ["tier", "team"]),
        ({"note": "x" * 201, "email": "no"}, ["note", "email"]),
        ({"email": "ada@example.org", "max_uses": 2}, ["max_uses"]),
    ],
)
def test_what_is_wrong_with_an_invitation_stands_at_its_field(invite, fields, wrong) -> None:
    with pytest.raises(InvalidValue) as refused:
        invite(**fields)
    assert [error.field for error in refused.value.all] == wrong


def test_links_end_with_the_right_to_invite(project, olga, make_user, add_member) -> None:
    manager = add_member(project, make_user("max"), "manager")
    reviewer = add_member(project, make_user("rita"), "reviewer").user
    with pytest.raises(PermissionDenied):
        create_invitation(project=project, actor=reviewer)
    invitation = create_invitation(project=project, actor=manager.user)
    change_role(membership=manager, role="owner", actor=olga)
    invitation.refresh_from_db()
    assert invitation.revoked_at is None
    change_role(membership=manager, role="reviewer", actor=olga)
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None


def test_a_team_that_goes_leaves_the_link_without_one(invite, project, olga, make_user) -> None:
    team = create_team(project=project, name="Night", actor=olga)
    invitation = invite(team=team)
    delete_team(team=team, actor=olga)
    assert accept_invitation(invitation=invitation, user=make_user("ada")).team is None


def test_an_archived_project_lets_nobody_in(invite, project) -> None:
    token = invitation_token(invite())
    project.archived_at = timezone.now()
    project.save()
    assert find_invitation(token) is None


def test_tries_are_counted_until_the_window_is_over() -> None:
    for _ in range(3):
        count_try("link", "192.0.2.1", most=3, seconds=60)
    with pytest.raises(TooManyTries) as refused:
        count_try("link", "192.0.2.1", most=3, seconds=60)
    assert 1 <= refused.value.seconds <= 61
    count_try("link", "192.0.2.2", most=3, seconds=60)
    assert "192.0.2" not in str(RateCount.objects.values())
    RateCount.objects.update(began_at=timezone.now() - timedelta(seconds=61))
    count_try("link", "192.0.2.1", most=3, seconds=60)
    assert forget_tries() == 0
    RateCount.objects.update(began_at=timezone.now() - timedelta(days=2))
    assert forget_tries() == 2


def test_accounts_by_one_link_from_one_address_are_limited(invite, settings) -> None:
    settings.INVITATION_LIMITS = {
        **settings.INVITATION_LIMITS,
        "registered": {"most": 1, "seconds": 600},
    }
    invitation = invite(max_uses=9)
    with pytest.raises(InvalidValue):
        register(invitation=invitation, username="", password="", address="192.0.2.1")
    with pytest.raises(TooManyTries):
        register(invitation=invitation, username="ada", password=PASSWORD, address="192.0.2.1")
    register(invitation=invitation, username="ada", password=PASSWORD, address="192.0.2.2")
    assert Membership.objects.filter(project=invitation.project).count() == 2
