"""The pages of review: queues, a task's answers side by side, decisions."""

import re
from html import unescape

import pytest
from django.urls import reverse

from annotate.models import Judgement, Review
from annotate.reports.review_address import read_place, write_place
from annotate.services.review.reviews import decide
from tests.annotate.judged_by_many import answer, computed, judged_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    """As judged_by_many; rita reviews and answered the first task herself."""
    project = judged_project(make_project, make_pair_tasks, make_user, add_member)
    project.rita = make_user("rita")
    add_member(project, project.rita, "reviewer")
    return project


def text_of(answer_, status: int = 200) -> str:
    assert answer_.status_code == status
    return unescape(re.sub(r"\s+", " ", answer_.content.decode()))


def queue(client, project, **query) -> list[int]:
    page = text_of(client.get(reverse("review", args=[project.pk]), query))
    return [int(pk) for pk in re.findall(r'scope="row"><a href="/tasks/(\d+)/review/', page)]


def answers(task, person) -> Judgement:
    return Judgement.objects.get(task=task, annotator=person)


def test_queues_hold_what_others_gave(project, client, django_assert_max_num_queries):
    ada, _bob, carl = project.people
    ids = [task.pk for task in project.all]
    answer(project.all[2], person=project.rita, side=0, flag="her own")
    client.force_login(project.rita)
    with django_assert_max_num_queries(40):
        assert len(queue(client, project, by="person")) == 8 * 4  # one of them simulated
    assert queue(client, project, by="person", person=ada.pk) == ids
    assert queue(client, project, by="person", person=ada.pk, sort="newest") == ids[::-1]
    assert queue(client, project, by="person", sort="quickest")[:8] == ids  # ada is in haste
    assert queue(client, project, by="flag") == []
    assert queue(client, project, by="waiting") == []
    assert queue(client, project, by="divided") == []
    assert len(queue(client, project, by="sample", each=2)) == 2 * 4
    again = queue(client, project, by="sample", each=2)
    assert again == queue(client, project, by="sample", each=2)
    computed(project)
    assert sorted(queue(client, project, by="divided")) == ids[6:]
    decide(judgement_id=answers(project.all[0], ada).pk, reviewer=project.rita, decision="accept")
    assert queue(client, project, by="person", person=ada.pk) == ids[1:]
    assert queue(client, project, by="person", person=ada.pk, state="decided") == ids[:1]
    assert queue(client, project, by="person", person=ada.pk, state="all") == ids
    project.all[6].gold = answers(project.all[6], ada).value
    project.all[6].save()
    assert queue(client, project, by="gold") == ids[6:7] * 2  # carl and the simulated one
    assert queue(client, project, by="gold", person=carl.pk) == ids[6:7]
    assert queue(client, project, by="gold", person=ada.pk) == []
    project.review_percent = 100
    project.save()
    assert len(queue(client, project)) == 8 * 4 - 1


def test_pages_of_a_queue_and_odd_addresses(project, client, monkeypatch):
    client.force_login(project.rita)
    monkeypatch.setattr("annotate.reports.review_queue.Queue.page.__defaults__", (3,))
    address = reverse("review", args=[project.pk])
    for sort in ("oldest", "newest", "quickest", "slowest"):
        seen, query = [], f"?by=person&sort={sort}&person={project.people[1].pk}"
        while query:
            page = text_of(client.get(address + query))
            seen += re.findall(r'scope="row"><a href="/tasks/(\d+)/', page)
            found = re.search(r'href="(\?[^"]+)" rel="next"', page)
            query = found[1] if found else ""
        assert sorted(map(int, seen)) == [task.pk for task in project.all], sort
    for odd in ("?by=x&state=y&sort=z&person=q", "?after=1,2,3", "?after=a", "?by=sample&each=0"):
        assert client.get(address + odd).status_code == 200
    assert read_place(write_place((0.5, 1.25, 7))) == (0.5, 1.25, 7)
    for wrong in ("", "a", "nan,1", "1,2,3,4", "-1"):
        assert read_place(wrong) is None, wrong


def test_answers_stand_side_by_side_and_the_next_item_follows(project, client):
    ada, bob, carl = project.people
    task = project.all[6]
    client.force_login(project.rita)
    address = reverse("review_task", args=[task.pk])
    query = f"?by=person&person={carl.pk}"
    mine = answers(task, carl)
    page = text_of(client.get(address + query + f"&judgement={mine.pk}"))
    assert "1. ada" in page
    assert "<strong>B</strong>" in page
    assert re.search(rf'value="{mine.pk}" checked', page)
    assert f'href="/tasks/{project.all[5].pk}/review/?by=person&person={carl.pk}' in page
    following = re.search(r'rel="next" href="(/tasks/(\d+)/review/[^"]+)"', page)
    assert int(following[2]) == project.all[7].pk
    done = client.post(
        reverse("decide_answer", args=[task.pk]) + query,
        {"judgement": mine.pk, "decision": "dismiss", "note": "<i>no</i>", "seen": 0},
    )
    assert done["Location"] == following[1]
    page = text_of(client.get(address + query))
    assert "Dismissed" in page
    assert "<i>no</i>" not in client.get(address).content.decode()
    assert "<i>no</i>" in page  # escaped, as text_of unescapes
    last = answers(project.all[7], carl)
    done = client.post(
        reverse("decide_answer", args=[last.task_id]) + query,
        {"judgement": last.pk, "decision": "accept"},
    )
    assert done["Location"] == f"/projects/{project.pk}/review/{query}"
    project.review_names = "pseudonyms"
    project.save()
    page = text_of(client.get(address))
    assert not re.search(r"\bada\b", page.partition("<main")[2])  # "ada" may be in a pseudonym
    assert ada.pseudonym in page
    assert bob.pseudonym in page


def test_a_stale_page_is_told_and_keeps_the_note(project, client, make_user, add_member):
    ron = make_user("ron")
    add_member(project, ron, "reviewer")
    mine = answers(project.all[0], project.people[0])
    decide(judgement_id=mine.pk, reviewer=ron, decision="accept")
    client.force_login(project.rita)
    address = reverse("decide_answer", args=[mine.task_id])
    sent = {"judgement": mine.pk, "decision": "dismiss", "note": "I think not.", "seen": 0}
    page = text_of(client.post(address, sent), 409)
    assert "ron has decided about this answer meanwhile (Accepted)" in page
    assert "I think not." in page
    assert Review.objects.get().reviewer == ron
    newest = re.search(r'name="seen" value="(\d+)"', page)[1]
    page = text_of(
        client.post(address, {**sent, "decision": "return", "note": "", "seen": newest}), 422
    )
    assert "say what its author should look at" in page
    assert client.post(address, {**sent, "seen": newest}).status_code == 302
    own = answer(project.all[0], person=project.rita, side=0)
    assert client.post(address, {**sent, "judgement": own.pk}).status_code == 403


def test_an_answer_is_amended_in_its_own_form(project, client):
    ada, _bob, _carl = project.people
    mine = answers(project.all[0], ada)
    second = mine.shown_order[1]
    client.force_login(project.rita)
    sent = {"judgement": mine.pk, "decision": "amend", "dismiss_others": "1", "seen": "0",
            "seen_judgement": Judgement.objects.filter(task=mine.task).latest("pk").pk}  # fmt: skip
    there = client.post(reverse("decide_answer", args=[mine.task_id]) + "?by=person", sent)
    page = client.get(there["Location"])
    text = text_of(page)
    assert "You are amending an answer of ada." in text
    assert "data-undo title" not in text
    fields = re.findall(r'name="(answer[^"]*)" value="([^"]*)"', text)
    [name] = {name for name, _value in fields}
    [chosen] = [value for _name, value in fields if str(second) in value][-1:] or [fields[-1][1]]
    bad = client.post(there["Location"], {"account": project.rita.pk})
    assert bad.status_code == 422
    done = client.post(
        there["Location"], {name: chosen, "rationale": "B cites.", "account": project.rita.pk}
    )
    assert done.status_code == 302
    review = Review.objects.get(decision="amend")
    assert review.amended.supersedes == mine
    assert review.amended.rationale == "B cites."
    assert review.settles_task
    assert Review.objects.filter(settled_by=review).count() == 4
    assert (
        client.post(there["Location"], {name: chosen, "rationale": "B cites."}).status_code == 302
    )
    other = next(value for _name, value in fields if value != chosen)
    assert client.post(there["Location"], {name: other}).status_code == 409
    assert Review.objects.filter(decision="amend").count() == 1


def test_who_may_look(project, client, make_user):
    pages = [reverse("review", args=[project.pk]), reverse("review_task", args=[project.all[0].pk])]
    client.force_login(project.people[0])
    assert [client.get(page).status_code for page in pages] == [403, 403]
    client.force_login(make_user("stranger"))
    assert [client.get(page).status_code for page in pages] == [404, 404]
    client.force_login(project.created_by)
    assert [client.get(page).status_code for page in pages] == [200, 200]
    overview = reverse("overview", args=[project.pk])
    assert "Wait for a reviewer" not in text_of(client.get(overview))
    project.review_percent = 100
    project.save()
    assert "Wait for a reviewer" in text_of(client.get(overview))


def test_the_chosen_are_accepted_or_returned_together(project, client):
    ada = project.people[0]
    client.force_login(project.rita)
    address = reverse("review", args=[project.pk]) + f"?by=person&person={ada.pk}"
    page = client.get(address).content.decode()
    [action] = re.findall(r'<form method="post" action="([^"]+/review/decide/[^"]*)"', page)
    seen = re.search(r'name="seen" value="(\d+)"', page)[1]
    boxes = re.findall(r'name="chosen" value="(\d+)"', page)
    mine = [answers(task, ada).pk for task in project.all]
    assert boxes == [str(pk) for pk in mine]
    decide(judgement_id=mine[1], reviewer=project.created_by, decision="accept")  # meanwhile
    sent = {"seen": seen, "chosen": boxes[:3], "decision": "accept"}
    told = text_of(client.post(unescape(action), sent, follow=True))
    assert "2 answers decided." in told
    assert "1 answer was not decided: " in told
    assert f"{project.created_by} has decided about this answer meanwhile" in told
    assert "by=person" in unescape(action)
    last = Review.objects.latest("pk").pk
    sent = {"seen": last, "chosen": boxes[3:5], "decision": "return", "note": ""}
    assert "2 answers were not decided: " in text_of(client.post(action, sent, follow=True))
    client.post(action, {**sent, "note": "Look at B."})
    decided = Review.objects.order_by("pk").values_list("judgement", "decision", "note")
    assert list(decided) == [
        (mine[1], "accept", ""), (mine[0], "accept", ""), (mine[2], "accept", ""),
        (mine[3], "return", "Look at B."), (mine[4], "return", "Look at B."),
    ]  # fmt: skip
    assert "Tick the answers first" in text_of(client.post(action, {}, follow=True))
    client.force_login(ada)
    assert client.post(action, sent).status_code == 403
