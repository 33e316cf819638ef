"""The interface's language: the browser's, or the one that was chosen."""

import pytest
from django.conf import settings
from django.utils import translation

from annotate import charts
from annotate.templatetags import reading

COOKIE = settings.LANGUAGE_COOKIE_NAME


@pytest.fixture(autouse=True)
def english_afterwards():
    yield
    translation.activate("en")


@pytest.fixture
def ada(make_user, client):
    user = make_user("ada")
    client.force_login(user)
    return user


def test_the_browser_decides(client, ada):
    page = client.get("/", headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"})
    assert page.headers["Content-Language"] == "de"
    assert "Accept-Language" in page.headers["Vary"]
    assert '<html lang="de" dir="ltr">' in page.text
    assert "Noch keine Projekte" in page.text


def test_an_unknown_language_is_english(client, ada):
    page = client.get("/", headers={"Accept-Language": "tlh"})
    assert '<html lang="en" dir="ltr">' in page.text
    assert "No projects yet" in page.text


def test_a_choice_overrules_the_browser_until_it_is_taken_back(client, ada):
    answer = client.post("/language/", {"language": "de", "next": "/account/"})
    assert answer.url == "/account/"
    assert client.cookies[COOKIE]["httponly"]
    page = client.get("/account/", headers={"Accept-Language": "en"})
    assert "API-Tokens" in page.text
    assert '<option value="de" lang="de" selected>Deutsch</option>' in page.text
    client.post("/language/", {"language": "", "next": "/account/"})
    assert "API tokens" in client.get("/account/", headers={"Accept-Language": "en"}).text


def test_it_can_be_chosen_before_logging_in(client, db):
    client.post("/language/", {"language": "de", "next": "/login/?next=/account/"})
    page = client.get("/login/?next=/account/")
    assert "Anmelden" in page.text
    assert 'value="/login/?next=/account/"' in page.text


def test_an_unknown_choice_is_none(client, ada):
    client.post("/language/", {"language": "tlh"})
    assert not client.cookies[COOKIE].value


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "", "x:y"])
def test_leads_nowhere_else(client, db, back):
    assert client.post("/language/", {"language": "de", "next": back}).url == "/"


def test_the_api_speaks_english(client, ada):
    answer = client.post(
        "/api/v1/projects/", {}, "application/json", headers={"Accept-Language": "de"}
    )
    assert answer.headers["Content-Language"] == "en"
    assert "field" in answer.text
    assert "Feld" not in answer.text


def test_numbers_and_dates_follow_the_language(client, ada, make_project, make_pair_tasks):
    project = make_project(ada)
    make_pair_tasks(project, 1)
    page = client.get(f"/projects/{project.pk}/", headers={"Accept-Language": "de"})
    assert "von Menschen gewünschten Urteilen" in page.text
    with translation.override("de"):
        assert reading.percent_fine(0.1234) == "12,3 %"
        assert reading.seconds(0.84) == "0,8 s"
        assert reading.figure(0.04567) == "0,046"
    with translation.override("en"):
        assert reading.percent_fine(0.1234) == "12.3 %"


def test_figures_are_rounded_not_cut():
    with translation.override("de"):
        assert reading.percent(0.12987) == "13 %"
        assert reading.percent_fine(0.20659) == "20,7 %"
        assert reading.seconds(9.96) == "10,0 s"
        assert charts.number(1234.7) == "1.235"
