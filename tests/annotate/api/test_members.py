"""What is known of members, and teams, over REST."""

import pytest

from annotate.models import Team


@pytest.fixture
def owner(caller):
    return caller("owner")


@pytest.fixture
def project(make_project, owner):
    return make_project(owner.user)


def test_fields_come_with_a_member_and_change(owner, project, caller, refused):
    caller("ann")
    root = f"projects/{project.pk}/"
    made = owner.post(root + "teams/", {"name": "Night"})
    assert (made.status_code, made.json()["members"]) == (201, 0)
    path = root + "members/"
    body = {"user": "ann", "role": "annotator", "languages": ["de_AT"], "team": "night"}
    member = owner.post(path, body).json()
    assert (member["tier"], member["languages"], member["team"]) == ("crowd", ["de-AT"], "Night")
    mine = f"{path}{member['id']}/"
    changed = owner.patch(mine, {"tier": "expert", "skills": ["Law"], "role": "reviewer"}).json()
    assert (changed["tier"], changed["skills"], changed["role"]) == ("expert", ["law"], "reviewer")
    refused(owner.patch(mine, {"role": "manager", "skills": ["a,b"]}), 400, "skills.0", "comma")
    assert owner.get(path + "?team=Night").json()["results"] == [changed]  # all of it, or nothing
    assert owner.get(path + "?tier=crowd").json()["results"][0]["user"] == "owner"
    assert len(owner.get(path + "?team=").json()["results"]) == 1
    refused(owner.get(path + "?team=Day"), 400, "team")
    refused(owner.get(path + "?tier=king"), 400, "tier")
    assert owner.patch(mine, {"team": None}).json()["team"] is None


def test_teams_come_change_and_go(owner, project, caller, refused, add_member):
    path = f"projects/{project.pk}/teams/"
    team = owner.post(path, {"name": "Night"}).json()
    refused(owner.post(path, {"name": "NIGHT"}), 400, "name", "already")
    refused(owner.post(path, {"name": 3}), 400, "name")
    refused(owner.post(path, {"nam": "x"}), 400, "nam")
    assert owner.patch(f"{path}{team['id']}/", {"name": "Day"}).json()["name"] == "Day"
    ann, eve = caller("ann"), caller("eve")
    add_member(project, ann.user)
    refused(ann.get(path), 403)
    refused(ann.delete(f"{path}{team['id']}/"), 403)
    refused(eve.patch(f"{path}{team['id']}/", {"name": "Mine"}), 404)
    refused(owner.delete(f"projects/{project.pk + 1}/teams/{team['id']}/"), 404)
    assert [row["name"] for row in owner.get(path).json()["results"]] == ["Day"]
    assert owner.delete(f"{path}{team['id']}/").status_code == 204
    assert not Team.objects.exists()


def test_invitations_come_and_go(owner, project, caller, refused, add_member, settings):
    path = f"projects/{project.pk}/invitations/"
    made = owner.post(path, {"max_uses": 5, "note": "Course"})
    assert made.status_code == 201
    body = made.json()
    assert (body["state"], body["role"], body["uses"]) == ("open", "annotator", 0)
    assert f"/join/{body['id']}-" in body["link"]
    refused(owner.post(path, {"role": "owner"}), 400, "role")
    refused(owner.post(path, {"email": "a@example.org"}), 400, "email")
    assert owner.delete(f"{path}{body['id']}/").status_code == 204
    [row] = owner.get(path).json()["results"]
    assert (row["state"], row["link"]) == ("revoked", None)
    ann = caller("ann")
    add_member(project, ann.user, "reviewer")
    refused(ann.get(path), 403)
    refused(caller("eve").delete(f"{path}{body['id']}/"), 404)
    settings.INVITATION_LIMITS = {"made": {"most": 0, "seconds": 60}}
    refused(owner.post(path, {}), 429, says="too often")
