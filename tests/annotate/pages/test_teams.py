"""Teams, and what is known of members, on the page of people."""

import pytest
from django.urls import reverse

from annotate.models import Team


@pytest.fixture
def project(make_project, make_user, client):
    project = make_project(make_user("olga"))
    client.force_login(project.created_by)
    return project


@pytest.fixture
def ada(project, make_user, add_member):
    return add_member(project, make_user("ada"))


def test_a_team_is_made_filled_and_looked_at_apart(client, project, ada) -> None:
    client.post(reverse("create_team", args=[project.pk]), {"team_name": "Night"})
    team = Team.objects.get(project=project)
    answer = client.post(
        reverse("edit_member", args=[ada.pk]),
        {"tier": "expert", "team": team.pk, "languages": "de, PT-br,", "skills": " Law "},
    )
    assert answer.status_code == 302
    ada.refresh_from_db()
    assert (ada.tier, ada.team, ada.languages, ada.skills) == (
        *("expert", team, ["de", "pt-BR"], ["law"]),
    )
    people = reverse("people", args=[project.pk])
    page = client.get(people).content.decode()
    assert "pt-BR" in page
    assert "1 member" in page
    shown = client.get(f"{people}?team={team.pk}").context["people"]
    assert [person.user.username for person in shown] == ["ada"]
    form = client.get(reverse("edit_member", args=[ada.pk])).content.decode()
    assert 'value="de, pt-BR"' in form


@pytest.mark.parametrize("asked", ["x", "0", "99", "9" * 30, "-1"])
def test_a_team_that_is_not_there_filters_nothing(client, project, ada, asked) -> None:
    answer = client.get(reverse("people", args=[project.pk]), {"team": asked})
    assert len(answer.context["people"]) == 2


def test_what_is_wrong_stands_at_its_field_and_is_kept(client, project, ada) -> None:
    answer = client.post(
        reverse("edit_member", args=[ada.pk]),
        {"tier": "king", "team": "7", "languages": "deutsch!", "skills": "law"},
    )
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"tier", "team"}
    answer = client.post(
        reverse("edit_member", args=[ada.pk]),
        {"tier": "crowd", "team": "", "languages": "de, deutsch!", "skills": "x" * 41},
    )
    assert answer.status_code == 422
    assert "deutsch!" in answer.context["form"].errors["languages"][0]
    assert "41" in answer.context["form"].errors["skills"][0]
    ada.refresh_from_db()
    assert ada.languages == []


def test_a_name_that_is_taken_is_told_where_it_was_typed(client, project) -> None:
    path = reverse("create_team", args=[project.pk])
    client.post(path, {"team_name": "Night"})
    answer = client.post(path, {"team_name": "night"})
    assert answer.status_code == 422
    assert "named &quot;night&quot; here already." in answer.content.decode()
    assert 'value="night"' in answer.content.decode()
    team = Team.objects.get(project=project)
    client.post(reverse("rename_team", args=[team.pk]), {"team_name": "Day"})
    team.refresh_from_db()
    assert team.name == "Day"
    client.post(reverse("delete_team", args=[team.pk]))
    assert not Team.objects.filter(project=project).exists()


@pytest.mark.parametrize(("who", "status"), [("ada", 403), ("eve", 404)])
def test_others_change_nothing(client, project, ada, make_user, who, status) -> None:
    team = Team.objects.create(project=project, name="Night")
    client.force_login(ada.user if who == "ada" else make_user("eve"))
    data = {"team_name": "Mine", "tier": "expert"}
    for name, pk in (
        *(("create_team", project.pk), ("rename_team", team.pk)),
        *(("delete_team", team.pk), ("edit_member", ada.pk)),
    ):
        assert client.post(reverse(name, args=[pk]), data).status_code == status
    assert Team.objects.get(project=project).name == "Night"
