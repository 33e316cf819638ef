"""One's own data and the end of the account, in the browser and over REST."""

import json

from django.test import Client
from django.urls import reverse

from annotate.models import Judgement, Membership, User
from tests.annotate.pages.work_forms import open_page

PASSWORD = "correct horse battery"


def test_the_data_are_a_file(page, ada) -> None:
    client, _work = page
    assert reverse("own_data") in client.get(reverse("account")).content.decode()
    answer = client.get(reverse("own_data"))
    assert answer["Content-Disposition"] == 'attachment; filename="my-tandem-data.json"'
    data = json.loads(b"".join(answer.streaming_content))
    assert data["account"]["username"] == "ada"
    api = client.get("/api/v1/me/data/")
    assert json.loads(b"".join(api.streaming_content))["account"] == data["account"]
    client.logout()
    assert client.get(reverse("own_data")).status_code == 302
    assert client.get("/api/v1/me/data/").status_code == 401


def test_the_account_is_deleted_with_name_and_password(page, ada) -> None:
    client, work = page
    elsewhere = Client()
    elsewhere.force_login(ada)
    client.get(work)
    delete = reverse("delete_account")
    shown = client.get(delete).content.decode()
    assert ada.pseudonym in shown
    for given, field in (
        ({"username": "ada", "password": "guess"}, "password"),
        ({"username": "eve", "password": PASSWORD}, "username"),
        ({"username": "", "password": ""}, "username"),
    ):
        answer = client.post(delete, given)
        assert answer.status_code == 422
        assert field in answer.context["form"].errors
    assert User.objects.get(pk=ada.pk).is_active
    answer = client.post(delete, {"username": "ada", "password": PASSWORD})
    assert "is deleted" in answer.content.decode()
    assert client.get(work).status_code == 302
    assert elsewhere.get(work).status_code == 302
    assert not client.login(username="ada", password=PASSWORD)
    assert not Membership.objects.filter(user=ada).exists()


def test_the_only_owner_is_told_of_which_projects(client, project) -> None:
    owner = project.created_by
    client.force_login(owner)
    delete = reverse("delete_account")
    assert "Answers" in client.get(delete).content.decode()
    answer = client.post(delete, {"username": owner.username, "password": PASSWORD})
    assert answer.status_code == 422
    assert "only owner of “Answers”" in answer.content.decode()


def test_managers_see_who_left_by_the_pseudonym(page, ada, project) -> None:
    client, work = page
    action, answers = open_page(client, work)
    client.post(action, {"answer": answers[0]})
    seat = ada.seats.get(state="done")
    client.post(reverse("delete_account"), {"username": "ada", "password": PASSWORD})
    client.force_login(project.created_by)
    shown = client.get(reverse("task", args=[seat.task_id])).content.decode()
    assert Judgement.objects.count() == 1
    assert f"deleted-{ada.pseudonym}" in shown
