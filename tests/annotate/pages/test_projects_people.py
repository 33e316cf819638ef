"""Members: taking in, accounts made on the spot, roles, leaving."""

import re

import pytest
from django.urls import reverse

from annotate.models import AuditEvent, Membership, User


@pytest.fixture
def project(make_project, make_user, client):
    project = make_project(make_user("olga"))
    client.force_login(project.created_by)
    return project


def test_somebody_is_added_by_e_mail(client, project, make_user) -> None:
    make_user("ada", email="Ada@example.org")
    answer = client.post(
        reverse("add_member", args=[project.pk]),
        {"add-who": "ada@EXAMPLE.org", "add-role": "reviewer"},
    )
    assert answer.status_code == 302
    assert Membership.objects.get(user__username="ada").role == "reviewer"


@pytest.mark.parametrize(
    ("who", "said"), [("nobody", "Create an account"), ("twin@x.org", "exact username")]
)
def test_who_cannot_be_found_is_refused(client, project, make_user, who, said) -> None:
    make_user("t1", email="twin@x.org")
    make_user("t2", email="twin@x.org")
    answer = client.post(
        reverse("add_member", args=[project.pk]), {"add-who": who, "add-role": "annotator"}
    )
    assert answer.status_code == 422
    assert said in answer.context["add_form"].errors["who"][0]


def test_a_member_is_not_added_twice(client, project) -> None:
    answer = client.post(
        reverse("add_member", args=[project.pk]), {"add-who": "olga", "add-role": "annotator"}
    )
    assert answer.status_code == 422
    assert "already owner" in answer.context["add_form"].errors["who"][0]


def test_a_new_account_can_log_in_with_the_password_shown_once(client, project) -> None:
    answer = client.post(
        reverse("create_account", args=[project.pk]),
        {"new-username": "noor", "new-email": "", "new-role": "annotator"},
    )
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    password = re.search(r'class="secret">([^<]+)<', answer.content.decode())[1]
    assert len(password) >= 16
    assert client.login(username="noor", password=password)
    assert AuditEvent.objects.filter(action="user.created", project=project).count() == 1
    assert password not in str(list(AuditEvent.objects.values_list("detail", flat=True)))


def test_a_name_that_is_taken_makes_no_account_and_no_member(client, project, make_user) -> None:
    make_user("noor")
    answer = client.post(
        reverse("create_account", args=[project.pk]),
        {"new-username": "noor", "new-role": "annotator"},
    )
    assert answer.status_code == 422
    assert "taken" in answer.context["new_form"].errors["username"][0]
    assert project.memberships.count() == 1


def test_a_manager_makes_no_owner(client, project, make_user, add_member) -> None:
    manager = make_user("max")
    add_member(project, manager, "manager")
    client.force_login(manager)
    answer = client.post(
        reverse("create_account", args=[project.pk]),
        {"new-username": "noor", "new-role": "owner"},
    )
    assert answer.status_code == 422
    assert not User.objects.filter(username="noor").exists()


def test_a_role_changes_and_a_member_goes(client, project, make_user, add_member) -> None:
    member = add_member(project, make_user("ada"))
    client.post(reverse("change_role", args=[member.pk]), {"role": "manager"})
    member.refresh_from_db()
    assert member.role == "manager"
    client.post(reverse("remove_member", args=[member.pk]))
    assert not Membership.objects.filter(pk=member.pk).exists()


@pytest.mark.parametrize(
    ("name", "data"), [("remove_member", {}), ("change_role", {"role": "annotator"})]
)
def test_the_last_owner_stays(client, project, name, data) -> None:
    member = project.memberships.get()
    answer = client.post(reverse(name, args=[member.pk]), data, follow=True)
    assert "last owner" in answer.content.decode()
    member.refresh_from_db()
    assert member.role == "owner"


def test_leaving_leads_home(client, project, make_user, add_member) -> None:
    other = make_user("otto")
    member = add_member(project, other, "owner")
    client.force_login(other)
    answer = client.post(reverse("remove_member", args=[member.pk]), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("home")


def test_the_list_costs_the_same_for_one_and_for_forty(
    client, project, make_user, add_member, django_assert_max_num_queries
) -> None:
    for i in range(40):
        add_member(project, make_user(f"a{i}"))
    with django_assert_max_num_queries(11):
        answer = client.get(reverse("people", args=[project.pk]))
    assert answer.content.decode().count("Remove a") == 40
