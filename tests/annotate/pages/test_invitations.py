"""Invitations in the browser: made and revoked by managers, taken up by those who have the link."""

import pytest
from django.core import mail
from django.urls import reverse

from annotate.models import Invitation, Membership, User
from annotate.services.people.invitations import (
    create_invitation,
    invitation_token,
    revoke_invitation,
)

PASSWORD = "correct horse battery"


@pytest.fixture
def project(make_project, make_user):
    return make_project(make_user("olga"))


@pytest.fixture
def olga(project):
    return project.created_by


@pytest.fixture
def join(project, olga):
    """join(**fields) -> the address of a new invitation's link."""

    def make(**fields) -> str:
        invitation = create_invitation(project=project, actor=olga, **fields)
        return reverse("join", args=[invitation_token(invitation)])

    return make


def test_a_manager_makes_copies_and_revokes_a_link(client, project, olga) -> None:
    client.force_login(olga)
    page = reverse("invitations", args=[project.pk])
    assert "No invitations yet" in client.get(page).content.decode()
    sent = {"role": "annotator", "tier": "expert", "max_uses": 3, "days": 7, "note": "Course"}
    answer = client.post(reverse("create_invitation", args=[project.pk]), sent, follow=True)
    invitation = Invitation.objects.get()
    link = f"http://testserver/join/{invitation_token(invitation)}/"
    assert f'value="{link}"' in answer.content.decode()
    assert "Course" in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    answer = client.post(reverse("revoke_invitation", args=[invitation.pk]), follow=True)
    assert link not in answer.content.decode()
    assert "Revoked" in answer.content.decode()
    assert "member already" in client.get(link).content.decode()
    client.logout()
    assert client.get(link).status_code == 410


def test_what_is_wrong_stands_at_its_field(client, project, olga, settings) -> None:
    client.force_login(olga)
    path = reverse("create_invitation", args=[project.pk])
    answer = client.post(path, {"role": "owner", "tier": "crowd", "max_uses": 0, "days": "x"})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"role", "max_uses", "days"}
    settings.INVITATION_LIMITS = {"made": {"most": 0, "seconds": 60}}
    sent = {"role": "annotator", "tier": "crowd", "max_uses": 1, "days": 1}
    answer = client.post(path, sent)
    assert answer.status_code == 429
    assert "tried too often" in answer.content.decode()


def test_mail_goes_out_where_a_server_is_named(client, project, olga, settings) -> None:
    client.force_login(olga)
    assert (
        'name="email"' not in client.get(reverse("invitations", args=[project.pk])).content.decode()
    )
    settings.EMAIL_HOST = "mail.example.org"
    sent = {
        "role": "annotator",
        "tier": "crowd",
        "max_uses": 1,
        "days": 7,
        "email": "a@example.org",
    }
    client.post(reverse("create_invitation", args=[project.pk]), sent)
    [message] = mail.outbox
    assert message.to == ["a@example.org"]
    assert invitation_token(Invitation.objects.get()) in message.body
    sent["max_uses"] = 5
    answer = client.post(reverse("create_invitation", args=[project.pk]), sent)
    assert "Must be 1" in answer.content.decode()


def test_a_mail_that_cannot_go_out_is_told(client, project, olga, settings) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    client.force_login(olga)
    sent = {
        "role": "annotator",
        "tier": "crowd",
        "max_uses": 1,
        "days": 7,
        "email": "a@example.org",
    }
    answer = client.post(reverse("create_invitation", args=[project.pk]), sent, follow=True)
    assert "could not be sent" in answer.content.decode()
    assert Invitation.objects.count() == 1


def test_somebody_with_an_account_comes_in(client, project, join, make_user) -> None:
    link = join()
    page = client.get(link).content.decode()
    assert f"/login/?next={link}" in page
    client.force_login(make_user("ada"))
    assert "Take part as ada" in client.get(link).content.decode()
    answer = client.post(link)
    assert answer["Location"] == reverse("work", args=[project.pk])
    assert Membership.objects.get(user__username="ada").role == "annotator"
    assert "member already" in client.get(link).content.decode()


def test_somebody_without_one_makes_it(client, project, join) -> None:
    link = join(role="reviewer")
    sent = {"username": "noor", "password": PASSWORD, "again": PASSWORD, "email": ""}
    answer = client.post(link, {**sent, "again": "another"})
    assert answer.status_code == 422
    assert "differ" in answer.context["form"].errors["again"][0]
    answer = client.post(link, {**sent, "password": "12345678", "again": "12345678"})
    assert "too common" in answer.context["form"].errors["password"][0]
    assert not User.objects.filter(username="noor").exists()
    answer = client.post(link, sent)
    assert answer["Location"] == reverse("overview", args=[project.pk])
    assert client.get(answer["Location"]).status_code == 200  # logged in
    client.logout()
    assert client.post(link, {**sent, "username": "two"}).status_code == 410
    assert not User.objects.filter(username="two").exists()


def test_links_that_do_not_work_say_why(client, project, olga, join, settings) -> None:
    answer = client.get("/join/17-abc/")
    assert answer.status_code == 404
    assert "no link of an invitation" in answer.content.decode()
    link = join()
    revoke_invitation(invitation=Invitation.objects.get(), actor=olga)
    for answer in (client.get(link), client.post(link, {"username": "x"})):
        assert answer.status_code == 410
        assert "was revoked" in answer.content.decode()
    settings.INVITATION_LIMITS = {"wrong": {"most": 0, "seconds": 60}}
    answer = client.get("/join/17-abc/")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) <= 61


def test_one_logs_out_to_use_another_account(client, join, make_user) -> None:
    link = join()
    client.force_login(make_user("ada"))
    answer = client.post(f"{link}leave/")
    assert answer["Location"] == link
    assert 'name="username"' in client.get(link).content.decode()


@pytest.mark.parametrize(("role", "status"), [("reviewer", 403), (None, 404)])
def test_others_make_and_revoke_nothing(
    client, project, olga, make_user, add_member, role, status
) -> None:
    invitation = create_invitation(project=project, actor=olga)
    eve = make_user("eve")
    if role:
        add_member(project, eve, role)
    client.force_login(eve)
    assert client.get(reverse("invitations", args=[project.pk])).status_code == status
    assert client.post(reverse("create_invitation", args=[project.pk])).status_code == status
    assert client.post(reverse("revoke_invitation", args=[invitation.pk])).status_code == status
    invitation.refresh_from_db()
    assert invitation.revoked_at is None


def test_the_list_costs_the_same_for_one_and_for_forty(
    client, project, olga, django_assert_max_num_queries
) -> None:
    for _ in range(60):
        create_invitation(project=project, actor=olga)
    client.force_login(olga)
    with django_assert_max_num_queries(8):
        answer = client.get(reverse("invitations", args=[project.pk]))
    assert answer.content.decode().count("Copy link") == 50
    older = client.get(f"{reverse('invitations', args=[project.pk])}?{answer.context['next_page']}")
    assert older.content.decode().count("Copy link") == 10
