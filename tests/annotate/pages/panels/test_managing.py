"""Studies as managers make, change and look at them."""

import csv
import io
from urllib.parse import parse_qs, urlsplit

from django.urls import reverse

from annotate.services.people.panels import entry_link
from tests.annotate.pages.panels.participants import BACK, Person, judge_all


def test_a_manager_makes_and_changes_a_study(client, project) -> None:
    client.force_login(project.created_by)
    page = client.get(reverse("panels", args=[project.pk])).content.decode()
    assert "No studies yet" in page
    sent = {
        "name": "Pairs",
        "tasks_each": 3,
        "places": 10,
        "return_url": BACK,
        "participant_parameter": "PROLIFIC_PID",
        "study_parameter": "STUDY_ID",
        "session_parameter": "SESSION_ID",
        "code_completed": "C1",
    }
    wrong = sent | {"return_url": "ftp://x/{code}", "code_completed": "a b"}
    page = client.post(reverse("create_panel", args=[project.pk]), wrong)
    assert page.status_code == 422
    assert "begins with http" in page.content.decode()
    page = client.post(reverse("create_panel", args=[project.pk]), sent, follow=True)
    study = project.panel_studies.get()
    text = page.content.decode()
    link = f"http://testserver/p/{study.code}/?PROLIFIC_PID={{{{%PROLIFIC_PID%}}}}&amp;STUDY_ID="
    assert link in text
    assert study.code_completed == "C1"
    assert len(study.code_screened_out) == 8
    changed = sent | {"name": "Better", "signed": "on", "session_parameter": "STUDY_ID"}
    page = client.post(reverse("change_panel", args=[study.pk]), changed)
    assert page.status_code == 422
    changed["session_parameter"] = "S"
    page = client.post(reverse("change_panel", args=[study.pk]), changed, follow=True)
    assert "SIGNATURE" in page.content.decode()
    study.refresh_from_db()
    assert (study.name, study.signed, study.code_completed) == ("Better", True, "C1")


def test_the_list_for_approval(client, study, project) -> None:
    person = Person(study)
    person.enter()
    judge_all(person)
    person.client.get(reverse("work", args=[project.pk]))
    Person(study, "5f1b").enter()
    client.force_login(project.created_by)
    answer = client.get(reverse("panel_csv", args=[study.pk]))
    first, second = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (first["participant"], first["state"]) == ("5f1a", "completed")
    assert (first["code"], first["tasks_done"]) == (study.code_completed, "2")
    assert (second["participant"], second["state"], second["code"]) == ("5f1b", "active", "")


def test_panels_are_for_managers(client, study, make_user, add_member) -> None:
    ada = make_user("ada")
    pages = ("panel", "panel_csv")
    client.force_login(ada)
    assert {client.get(reverse(page, args=[study.pk])).status_code for page in pages} == {404}
    add_member(study.project, ada)
    assert {client.get(reverse(page, args=[study.pk])).status_code for page in pages} == {403}
    assert client.get(reverse("panel_end", args=[study.code])).status_code == 404


def test_the_page_of_participants_asks_once(client, study, django_assert_max_num_queries) -> None:
    for number in range(6):
        Person(study, f"p{number}").enter()
    client.force_login(study.project.created_by)
    client.get(reverse("panel", args=[study.pk]))
    with django_assert_max_num_queries(12):
        client.get(reverse("panel", args=[study.pk]))


def test_what_prolific_fills_in_stands_in_the_link(study) -> None:
    query = parse_qs(urlsplit(entry_link(study, "https://host/")).query)
    assert query["PROLIFIC_PID"] == ["{{%PROLIFIC_PID%}}"]
