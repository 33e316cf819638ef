"""The pages of quality: who sees them, and that every figure leads to the rows behind it."""

import re
from html import unescape

import pytest
from django.urls import reverse
from django.utils import translation

from annotate.models import AuditEvent, Consensus, QualityRun
from annotate.pages.consensus_words import question_words
from annotate.pages.kinds.default_words import type_words
from annotate.reports.consensus import read_place, write_place
from tests.annotate.judged_by_many import answer, computed, judged_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    return judged_project(make_project, make_pair_tasks, make_user, add_member)


def text_of(answer) -> str:
    assert answer.status_code == 200
    return unescape(re.sub(r"\s+", " ", answer.content.decode()))


def tasks_on(client, address) -> list[int]:
    return [
        int(pk)
        for pk in re.findall(r'scope="row"><a href="/tasks/(\d+)/"', text_of(client.get(address)))
    ]


def test_the_report_has_figures_of_people_and_of_judges(
    project, client, django_assert_max_num_queries
):
    client.force_login(project.created_by)
    address = reverse("quality", args=[project.pk])
    assert "no report yet" in text_of(client.get(address))
    computed(project)
    with django_assert_max_num_queries(20):
        page = text_of(client.get(address))
    assert "40 judgements" in page
    links = {
        link.partition("/quality/")[2]
        for link in re.findall(r'href="(/projects/\d+/quality/(?:answers|items)/\?[^"]+)"', page)
    }
    ids = [task.pk for task in project.all]
    keys = {person.username: f"user%3A{person.pk}" for person in project.people}

    def tasks_behind(link: str) -> list[int]:
        assert link in links
        return sorted(tasks_on(client, f"{address}{link}"))

    assert tasks_behind("items/?voices=human") == ids
    assert tasks_behind("items/?voices=human&question=&checks=without") == ids
    pair = f"rater={keys['ada']}&other={keys['carl']}"
    assert tasks_behind(f"items/?voices=human&{pair}&question=&checks=without") == ids
    assert tasks_behind(f"answers/?voices=human&rater={keys['ada']}&habit=hasty") == ids
    assert tasks_behind(f"answers/?voices=human&rater={keys['bob']}&habit=hasty") == []
    assert tasks_behind(f"answers/?voices=human&rater={keys['carl']}&habit=first") == ids[:6]
    # the straight line of carl's first six answers
    [run] = [link for link in links if "since=" in link and keys["carl"] in link]
    assert tasks_behind(run) == ids[:6]
    page = text_of(client.get(address, {"voices": "judges"}))
    assert "J v1" in page
    assert "As most people" in page


def test_agreement_leads_to_no_hidden_items_and_known_answers_to_them_alone(
    project, client, make_pair_tasks
):
    [hidden] = make_pair_tasks(project, 1)
    ada, bob, carl = project.people
    for person in (ada, bob):
        answer(hidden, person=person, side=0, is_gold=True)
    answer(hidden, person=carl, side=0)  # one answer as ordinary work compares nothing
    computed(project)
    client.force_login(project.created_by)
    ids = [task.pk for task in project.all]
    items = reverse("quality_items", args=[project.pk])
    assert tasks_on(client, f"{items}?voices=human") == [*ids, hidden.pk]
    assert tasks_on(client, f"{items}?voices=human&question=&checks=without") == ids
    pair = f"voices=human&rater=user%3A{ada.pk}&other=user%3A{bob.pk}"
    assert tasks_on(client, f"{items}?{pair}&checks=without") == ids
    known = reverse("quality_answers", args=[project.pk]) + f"?rater=user%3A{ada.pk}&checks=only"
    assert tasks_on(client, known) == [hidden.pk]
    assert "hidden items alone" in text_of(client.get(known))


def test_the_list_has_the_least_sure_first_and_pages_of_it(project, client, monkeypatch):
    computed(project)
    client.force_login(project.created_by)
    address = reverse("quality_tasks", args=[project.pk])
    ids = [task.pk for task in project.all]
    assert tasks_on(client, address + "?method=majority")[:2] == ids[6:]
    Consensus.objects.filter(task=ids[3], method="majority", voices="human").update(divided=0.9)
    assert tasks_on(client, address + "?method=majority")[0] == ids[3]
    assert tasks_on(client, address + "?method=majority&show=divided") == [ids[3]]
    monkeypatch.setattr("annotate.reports.consensus.PAGE", 3)
    monkeypatch.setattr("annotate.pages.quality.page_of_consensus.__defaults__", (3,))
    seen, query = [], "?method=majority"
    while query:
        page = text_of(client.get(address + query))
        seen += re.findall(r'scope="row"><a href="/tasks/(\d+)/"', page)
        found = re.search(r'href="(\?[^"]+)" rel="next"', page)
        query = found[1] if found else ""
    assert sorted(map(int, seen)) == ids
    assert read_place(write_place((0.5, 1.25, 7))) == (0.5, 1.25, 7)
    for wrong in ("", "a", "1,2", "nan,0,1", "2,0,1", "0,0,-1", "0,inf,3", "0,0,1,2"):
        assert read_place(wrong) is None, wrong
    odd = "?voices=x&method=y&show=z&rater=user:%00&since=x&first=x&habit=q&after=%C3%A4"
    assert client.get(address + odd.replace("%00", "9" * 30)).status_code == 200


def test_a_task_shows_what_it_came_to(project, client):
    computed(project)
    client.force_login(project.created_by)
    page = text_of(client.get(reverse("task", args=[project.all[0].pk])))
    assert "What the answers came to" in page
    assert "Dawid–Skene" in page
    assert "<strong>A</strong>" in page
    assert "<strong>Tie</strong>" in page


def test_a_manager_orders_and_stops_a_report_a_reviewer_reads(
    project, client, make_user, add_member
):
    reviewer = make_user("rita")
    add_member(project, reviewer, "reviewer")
    address, order = (reverse(one, args=[project.pk]) for one in ("quality", "compute_quality"))
    client.force_login(reviewer)
    assert client.get(address).status_code == 200
    assert client.post(order).status_code == 403
    client.force_login(project.people[0])
    for name in ("quality", "quality_tasks", "my_quality"):
        assert client.get(reverse(name, args=[project.pk])).status_code == 403, name
    client.force_login(make_user("stranger"))
    assert client.get(address).status_code == 404
    client.force_login(project.created_by)
    assert client.post(order).status_code == 302
    run = QualityRun.objects.get(project=project)
    live = text_of(client.get(address, headers={"HX-Request": "true"}))
    assert "<h1>" not in live
    assert "every 2s" in live
    assert client.post(reverse("cancel_quality", args=[run.pk])).status_code == 302
    run.refresh_from_db()
    assert run.state == "cancelled"
    actions = AuditEvent.objects.filter(project=project).values_list("action", flat=True)
    assert set(actions) >= {"quality.queued", "quality.cancel_asked"}


def test_annotators_see_their_own_figures_where_the_project_shows_them(project, client):
    computed(project)
    project.own_figures = True
    project.save(update_fields=["own_figures"])
    client.force_login(project.people[2])
    page = text_of(client.get(reverse("my_quality", args=[project.pk])))
    assert "6 of 8" in page  # the first shown was better
    assert not re.search(r"\bada\b", page)  # drawn letters, as of a pseudonym, may hold it
    assert client.get(reverse("quality", args=[project.pk])).status_code == 403


def test_what_a_list_is_narrowed_to_is_said_in_german(project, client):
    computed(project)
    client.force_login(project.created_by)
    address = reverse("quality_items", args=[project.pk])
    page = client.get(address, {"first": "2026-01-05"}, headers={"Accept-Language": "de"}).text
    translation.activate("en")
    assert "05.01.2026" in page


def test_what_kinds_bring_is_said_in_german():
    with translation.override("de"):
        assert [question_words(name) for name in ("overall", "wit", "words")] == [
            "insgesamt",
            "wit",
            "einzelne Wörter",
        ]
        assert [type_words(name) for name in ("unverifiable", "odd")] == [
            "Nicht belegte Angabe",
            "odd",
        ]
