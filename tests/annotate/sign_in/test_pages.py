"""Signing in through a provider: whose account opens, and who gets a new one."""

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import (
    AuditEvent,
    EndedIdentity,
    Membership,
    Participation,
    ProviderIdentity,
    User,
)
from annotate.services.people.accounts import delete_account
from annotate.services.people.invitations import create_invitation, invitation_token
from annotate.services.people.panels import create_study
from annotate.services.people.participations import enter

PASSWORD = "correct horse battery"

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(make_user) -> User:
    return make_user("ada", email="ada@example.org")


@pytest.fixture
def connected(ada, server) -> User:
    ProviderIdentity.objects.create(
        user=ada, issuer=server.issuer, subject=server.person["sub"], label="ada@example.org"
    )
    return ada


@pytest.fixture
def token(make_project, make_user) -> str:
    """The end of an invitation's link."""
    project = make_project(make_user("olga"))
    return invitation_token(create_invitation(project=project, actor=project.created_by))


def signed_in(client: Client) -> str:
    """Who is; "" for nobody."""
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key).username if key else ""


def test_an_account_is_connected_opened_and_disconnected(client, ada, through) -> None:
    client.force_login(ada)
    shown = client.get(reverse("account")).content.decode()
    assert "Connect with The Lab" in shown
    answer = through(client, process="connect")
    assert answer["Location"] == reverse("account")
    shown = client.get(reverse("account")).content.decode()
    assert "The Lab opens your account from now on." in shown
    assert "ada@example.org" in shown
    assert through(client, process="connect").status_code == 302  # twice changes nothing
    client.logout()
    assert "Log in with The Lab" in client.get(reverse("login")).content.decode()
    answer = through(client, next=reverse("account"))
    assert answer["Location"] == reverse("account")
    assert signed_in(client) == "ada"
    ada.refresh_from_db()
    assert ada.last_login is not None
    assert ProviderIdentity.objects.get().last_used_at is not None
    answer = client.post(reverse("disconnect_provider", args=["lab"]), follow=True)
    assert "The Lab opens your account no more." in answer.content.decode()
    deeds = AuditEvent.objects.filter(actor=ada).order_by("pk")
    assert list(deeds.values_list("action", "address")) == [
        ("identity.connected", "127.0.0.1"),
        ("identity.signed_in", "127.0.0.1"),
        ("identity.disconnected", "127.0.0.1"),
    ]
    assert deeds[1].detail == {"provider": "The Lab"}
    client.logout()
    assert through(client).status_code == 403
    assert signed_in(client) == ""


def test_the_words_are_german_too(client, connected, lets_in) -> None:
    german = {"headers": {"Accept-Language": "de"}}
    assert "Mit The Lab anmelden" in client.get(reverse("login"), **german).content.decode()
    client.force_login(connected)
    assert "The Lab trennen" in client.get(reverse("account"), **german).content.decode()
    answer = client.get(
        reverse("openid_connect_callback", args=["lab"]) + "?state=made-up&code=x", **german
    )
    assert "beginnen Sie sie neu" in answer.content.decode()


def test_an_equal_address_opens_no_account(client, ada, through, lets_in) -> None:
    answer = through(client)
    assert answer.status_code == 403
    assert "connect The Lab in your account" in answer.content.decode()
    lets_in("domains", "example.org")
    assert through(client)["Location"] == reverse("home")
    assert signed_in(client) == "ada-2"
    assert not ada.identities.exists()


def test_where_to_go_on_is_a_page_of_this_server(client, connected, through) -> None:
    assert through(client, next="https://evil.example/")["Location"] == reverse("home")


def test_domains_let_in_whose_address_is_verified(client, server, through, lets_in) -> None:
    lets_in("domains", "example.org")
    for changed, words in (
        ({"email": "ada@elsewhere.org"}, "Whoever has ada@elsewhere.org gets no account"),
        ({"email": "ada@not.example.org"}, "gets no account"),
        ({"email_verified": False}, "names no e-mail address of yours that it verified"),
        ({"email_verified": "false"}, "names no e-mail address of yours that it verified"),
        ({"email": None}, "names no e-mail address of yours that it verified"),
    ):
        before = server.person
        server.person = {**before, **changed}
        answer = through(client)
        server.person = before
        assert answer.status_code == 403
        assert words in answer.content.decode()
    assert not User.objects.exists()
    server.person["preferred_username"] = "Ada <Lovelace>@x"
    through(client)
    user = User.objects.get()
    assert signed_in(client) == user.username == "AdaLovelace"
    assert (user.email, user.first_name, user.last_name) == ("ada@example.org", "Ada", "Lovelace")
    assert not user.has_usable_password()
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {
        "user.signed_up",
        "identity.connected",
        "identity.signed_in",
    }
    client.logout()
    through(client)
    assert User.objects.get() == user
    assert AuditEvent.objects.filter(action="identity.signed_in", actor=user).count() == 2


def test_the_address_may_stand_at_userinfo(client, server, through, lets_in) -> None:
    lets_in("domains", "example.org")
    told = server.person
    server.person = {"sub": told["sub"]}
    server.userinfo = {**told, "sub": "somebody else"}
    assert through(client).status_code == 502
    server.userinfo = told
    assert through(client).status_code == 302
    assert signed_in(client) == "ada"


def test_an_invitation_is_accepted_with_a_new_account(client, token, through, lets_in) -> None:
    page = reverse("join", args=[token])
    assert "Take part with The Lab" in client.get(page).content.decode()
    assert through(client, invitation=token).status_code == 403  # existing accounts alone
    lets_in("invited")
    assert through(client).status_code == 403
    assert User.objects.count() == 1
    member_of = through(client, invitation=token)
    member = Membership.objects.get(user__username="ada")
    assert member_of["Location"] == reverse("work", args=[member.project_id])
    assert signed_in(client) == "ada"
    registered = AuditEvent.objects.get(action="user.registered")
    assert registered.project_id == member.project_id
    other = Client()
    assert other.get(page).status_code == 410


def test_a_link_that_is_used_up_makes_no_account(client, server, token, through, lets_in) -> None:
    lets_in("invited")
    through(client, invitation=token)
    server.person = {"sub": "bob"}
    answer = through(Client(), invitation=token)
    assert answer.status_code == 403
    assert "used up" in answer.content.decode()
    assert User.objects.count() == 2


def test_an_invitation_is_accepted_with_the_connected_account(
    client, connected, token, through
) -> None:
    member_of = through(client, invitation=token)
    member = Membership.objects.get(user=connected)
    assert member_of["Location"] == reverse("work", args=[member.project_id])
    member.delete()
    assert through(client, invitation=token)["Location"] == reverse("join", args=[token])


def test_an_identity_opens_one_account(client, connected, make_user, server, through) -> None:
    bob = make_user("bob")
    client.force_login(bob)
    answer = through(client, process="connect")
    assert answer.status_code == 403
    assert "opens another account already" in answer.content.decode()
    client.force_login(connected)
    server.person["sub"] = "ada's second"
    answer = through(client, process="connect")
    assert answer.status_code == 403
    assert "disconnect that first" in answer.content.decode()
    assert ProviderIdentity.objects.get().user == connected


def test_connecting_ends_with_the_session_that_began_it(client, ada, make_user, leave) -> None:
    assert client.post(reverse("begin_sign_in", args=["lab"]), {"process": "connect"})[
        "Location"
    ] == reverse("login")
    client.force_login(ada)
    back = leave(client, process="connect")
    states = dict(client.session)["socialaccount_states"]
    client.force_login(make_user("bob"))  # the same browser, another person
    session = client.session
    session["socialaccount_states"] = states
    session.save()
    assert client.get(back).status_code == 400
    assert not ProviderIdentity.objects.exists()


def test_the_only_way_in_stays_until_there_is_a_password(client, through, lets_in) -> None:
    lets_in("domains", "example.org")
    through(client)
    disconnect = reverse("disconnect_provider", args=["lab"])
    assert "It is your only way in" in client.get(reverse("account")).content.decode()
    answer = client.post(disconnect)
    assert answer.status_code == 403
    assert "set a password first" in answer.content.decode()
    sent = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert client.post(reverse("change_password"), sent).status_code == 302
    assert client.post(disconnect).status_code == 302
    assert not ProviderIdentity.objects.exists()
    assert Client().login(username="ada", password=PASSWORD)


def test_closed_and_ended_accounts_stay_shut(
    client, connected, server, token, through, lets_in
) -> None:
    lets_in("domains", "example.org")
    User.objects.filter(pk=connected.pk).update(is_active=False)
    answer = through(client)
    assert answer.status_code == 403
    assert "this account is closed" in answer.content.decode().lower()
    assert signed_in(client) == ""
    User.objects.filter(pk=connected.pk).update(is_active=True)
    connected.refresh_from_db()
    delete_account(user=connected, username="ada", password=PASSWORD, address=None)
    assert not ProviderIdentity.objects.exists()
    answer = through(Client())
    assert answer.status_code == 403
    assert "You deleted the account that The Lab opened" in answer.content.decode()
    assert User.objects.filter(is_active=True).count() == 1
    assert server.person["sub"] not in EndedIdentity.objects.get().mark
    through(client, invitation=token)  # whoever is asked anew is somebody new
    assert signed_in(client) == "ada"
    assert User.objects.get(username="ada") != connected
    server.person = {**server.person, "sub": "another"}
    assert through(Client()).status_code == 302


def test_accounts_of_panels_are_opened_by_their_link_alone(
    client, make_project, server, through
) -> None:
    project = make_project()
    study = create_study(project=project, actor=project.created_by, name="Study")
    entry = {"participant": "P1", "panel_study": "", "session": ""}
    user = enter(study=study, entry=entry, address=None).user
    assert Participation.objects.get().user == user
    client.force_login(user)
    shown = client.get(reverse("account")).content.decode()
    assert "Connect with The Lab" not in shown
    assert client.post(reverse("change_password"), {}).status_code == 404
    answer = through(client, process="connect")
    assert answer.status_code == 403
    assert "opened by the panel’s link alone" in answer.content.decode()
    ProviderIdentity.objects.create(
        user=user, issuer=server.issuer, subject=server.person["sub"], label=""
    )
    client.logout()
    assert through(client).status_code == 403
    assert signed_in(client) == ""


def test_managers_see_who_signed_in_since_they_are_members(
    client, connected, token, through, make_project, make_user
) -> None:
    through(client)
    project = Membership.objects.get(user__username="olga").project
    olga = project.created_by
    manager = Client()
    manager.force_login(olga)
    address = reverse("audit", args=[project.pk])
    assert "Signed in through" not in manager.get(f"{address}?of=accounts").text
    Membership.objects.create(project=project, user=connected, role="annotator")
    client.logout()
    through(client)
    page = manager.get(f"{address}?of=accounts").text
    assert page.count("Signed in through a provider") == 1
    assert ">ada<" in page
    assert "The Lab" in page
    assert "127.0.0.1" not in page
    assert "Signed in through" not in manager.get(address).text
    german = manager.get(f"{address}?of=accounts", headers={"Accept-Language": "de"}).text
    assert "Über einen Anbieter angemeldet" in german
    other = make_project(make_user("otto"))
    manager.force_login(other.created_by)
    there = reverse("audit", args=[other.pk])
    assert "Signed in through" not in manager.get(f"{there}?of=accounts").text
