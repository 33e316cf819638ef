"""The work page without scripts: plain forms, redirects, and what scripts are told."""

import json
import re

import psycopg
import pytest
from django.urls import reverse

from annotate.handout import lease_seat
from annotate.models import Draft, Judgement, Membership, Seat, Skip
from annotate.services.projects import update_project
from tests.annotate.pages.work_forms import JSON, form_of, open_page


def test_the_guidelines_have_a_heading(page, project):
    update_project(project=project, actor=project.created_by, guidelines="Be fair.")
    client, url = page
    shown = client.get(url, follow=True).content.decode()
    [dialog] = re.findall(r'id="guidelines"[^>]*aria-labelledby="(\S+)"', shown)
    assert re.search(rf'<h2 id="{dialog}">\s*Guidelines\s*</h2>', shown)


def test_needs_a_login(client, project):
    response = client.get(reverse("work", args=[project.pk]))
    assert response.status_code == 302
    assert response.url.startswith(reverse("login"))


def test_a_whole_project_by_plain_forms(page, project, ada):
    client, url = page
    for number in range(5):
        action, answers = open_page(client, url)
        response = client.post(action, {"answer": answers[number]})
        assert response.status_code == 302
        assert response.url == url
    done = client.get(url)
    assert "Nothing left for you" in done.content.decode()
    assert Judgement.objects.filter(annotator=ada).count() == 5
    assert Membership.objects.get(user=ada).done_count == 5


def test_the_share_of_the_project_is_never_below_ones_own(page, project):
    """The count that many pages share is some seconds old."""
    client, url = page
    for number in range(5):
        action, answers = open_page(client, url)
        client.post(action, {"answer": answers[number]})
        found = client.get(url).context["progress"]
        assert (found.done, found.total) == (number + 1, 5)
    assert "100 % of the project" in client.get(url).content.decode()


def test_answer_names_the_response_shown_under_the_letter(page, ada):
    client, url = page
    action, answers = open_page(client, url)
    client.post(action, {"answer": answers[0], "rationale": "clear\r\nand true", "flag": "look"})
    judgement = Judgement.objects.get()
    assert judgement.value == {
        "verdict": "prefer",
        "preferred": judgement.shown_order[0],
        "strength": 3,
    }
    assert judgement.rationale == "clear\nand true"
    assert judgement.flag == "look"


def test_page_shows_no_generator(page):
    client, url = page
    html = client.get(url).content.decode()
    assert "Answer a to" in html
    assert not re.search(r"\bg[ab]\b", html)


def test_rationale_of_a_least_length(page, project):
    project.kind_settings = {"rationale_min_chars": 10}
    project.save()
    client, url = page
    action, answers = open_page(client, url)
    assert client.post(action, {"answer": answers[0], "rationale": "short"}).status_code == 422
    response = client.post(action, {"answer": answers[0], "rationale": "long enough now"})
    assert response.status_code == 302


def test_skip_with_reason(page, ada):
    client, url = page
    action, _answers = open_page(client, url)
    skip_url = action.replace("/submit/", "/skip/")
    assert client.post(skip_url, {"reason": "because"}).status_code == 422
    assert client.post(skip_url, {"reason": "language", "note": "Thai"}).status_code == 302
    skip = Skip.objects.get()
    assert (skip.annotator, skip.reason, skip.note) == (ada, "language", "Thai")
    assert open_page(client, url)[0] != action


def test_undo_opens_the_last_answer_and_supersedes_it(page, project):
    client, url = page
    action, answers = open_page(client, url)
    client.post(action, {"answer": answers[0], "rationale": "first thought"})
    current, _answers = open_page(client, url)

    response = client.get(reverse("undo", args=[project.pk]), follow=True)
    html = response.content.decode()
    revise, offered = form_of(html)
    assert "first thought" in html
    assert re.search(rf'value="{re.escape(answers[0])}"[^>]*checked', html)
    assert offered == answers

    response = client.post(revise, {"answer": "tie", "rationale": "second"}, follow=True)
    assert "Your answer is changed." in response.content.decode()
    assert form_of(response.content.decode())[0] == current
    old, new = Judgement.objects.order_by("pk")
    assert new.supersedes == old
    assert new.value == {"verdict": "tie"}
    assert [row.pk for row in Judgement.objects.current()] == [new.pk]


def test_undo_walks_further_back(page, project):
    client, url = page
    for _ in range(2):
        action, answers = open_page(client, url)
        client.post(action, {"answer": answers[0]})
    first, second = Judgement.objects.order_by("pk")
    undo = reverse("undo", args=[project.pk])
    assert client.get(undo).url.endswith(f"/{second.pk}/")
    assert client.get(undo, {"before": second.pk}).url.endswith(f"/{first.pk}/")
    response = client.get(undo, {"before": first.pk}, follow=True)
    assert "no earlier answer" in response.content.decode()


def test_draft_comes_back_after_a_reload(page):
    client, url = page
    action, answers = open_page(client, url)
    draft = {"answer": answers[5], "rationale": "half a thou", "flag": "hm", "seconds_active": 7}
    save = action.replace("/submit/", "/draft/")
    assert client.post(save, json.dumps(draft), "application/json").status_code == 204
    html = client.get(url).content.decode()
    assert "half a thou" in html
    assert re.search(rf'value="{re.escape(answers[5])}"[^>]*checked', html)
    assert 'name="seconds_active" value="7.0"' in html
    client.post(action, {"answer": answers[5]})
    assert not Draft.objects.exists()


def test_a_draft_of_an_earlier_form_says_so(page, project):
    """It comes back as far as it fits, and its author is told to look it over."""
    client, url = page
    action, answers = open_page(client, url)
    [form] = re.findall(r'name="form" value="(\d*)"', client.get(url).content.decode())
    draft = {"fields": {"answer": [answers[5]], "rationale": ["half a thou"]}, "form": form}
    client.post(action.replace("/submit/", "/draft/"), json.dumps(draft), "application/json")
    told = r"data-outdated\s*>The form or its guidelines have changed"
    assert not re.search(told, client.get(url).content.decode())
    update_project(project=project, actor=project.created_by, guidelines="Be fair.")
    html = client.get(url).content.decode()
    assert "half a thou" in html
    assert re.search(told, html)


def test_next_task_is_another_one_and_stays_the_same(page, project):
    client, url = page
    action, _answers = open_page(client, url)
    seat = action.split("/")[-3]
    ahead = reverse("next_task", args=[project.pk])
    first = form_of(client.get(ahead, {"beside": seat}).content.decode())[0]
    again = form_of(client.get(ahead, {"beside": seat}).content.decode())[0]
    assert first == again != action
    assert Seat.objects.filter(state="leased").count() == 2


def test_submit_brings_the_task_after_the_one_shown(page, project):
    client, url = page
    action, answers = open_page(client, url)
    seat = action.split("/")[-3]
    ahead = client.get(reverse("next_task", args=[project.pk]), {"beside": seat})
    shown = form_of(ahead.content.decode())[0]
    data = {"answer": answers[0], "beside": shown.split("/")[-3]}
    said = client.post(action, data, headers=JSON).json()
    assert form_of(said["next"])[0] not in (action, shown)


def test_no_next_task_is_204(page, project, client):
    Seat.objects.update(state="void")
    assert client.get(reverse("next_task", args=[project.pk])).status_code == 204


def test_paused_project_hands_nothing_out(page, project):
    project.state = "paused"
    project.save()
    client, url = page
    assert "paused" in client.get(url).content.decode()
    assert not Seat.objects.filter(state="leased").exists()


def test_renew_keeps_the_seat(page):
    client, url = page
    action, _answers = open_page(client, url)
    before = Seat.objects.get(state="leased").leased_until
    assert client.post(action.replace("/submit/", "/renew/")).status_code == 204
    assert Seat.objects.get(state="leased").leased_until > before


def test_seconds_and_start_are_kept(page):
    client, url = page
    action, answers = open_page(client, url)
    client.post(action, {"answer": answers[0], "seconds_active": "12.5", "shown_for": "30"})
    judgement = Judgement.objects.get()
    assert judgement.seconds_active == 12.5
    assert 30 <= (judgement.submitted_at - judgement.started_at).total_seconds() < 32


@pytest.fixture
def statements(monkeypatch):
    """Every statement sent to the server, Django's and our own prepared ones."""
    sent = []
    execute = psycopg.Cursor.execute

    def record(cursor, query, *args, **options):
        sent.append(query)
        return execute(cursor, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", record)
    return sent


def test_statements_of_the_hot_path(page, statements):
    """Session, user, then: look, write, what came back, next lease. Progress is counted now and
    then."""
    client, url = page
    action, answers = open_page(client, url)
    statements.clear()
    assert client.post(action, {"answer": answers[0]}, headers=JSON).json()["next"]
    assert len(statements) == 6


def test_statements_of_the_page(page, statements):
    """Session, user, project, membership, what came back, lease."""
    client, url = page
    client.get(url)
    statements.clear()
    client.get(url)
    assert len(statements) == 6


def test_work_of_another_account_is_refused_and_left_to_it(page, make_user, add_member, project):
    client, url = page
    grace = make_user("grace")
    add_member(project, grace)
    action, answers = open_page(client, url)
    of_grace = {"answer": answers[0], "account": grace.pk}
    refused = client.post(action, of_grace, headers=JSON)
    assert refused.status_code == 403
    assert refused.json()["field"] == "account"
    assert client.post(action, of_grace).url == url
    assert "under another account" in client.get(url).content.decode()
    header = {"X-Tandem-Account": str(grace.pk)}
    for action_of in ("skip", "draft", "renew"):
        address = action.replace("submit", action_of)
        answer = client.post(
            address, {}, content_type="application/json", headers={**JSON, **header}
        )
        assert answer.status_code == 403
    assert not Judgement.objects.exists()
    assert not Skip.objects.exists()
    assert client.post(action, {**of_grace, "account": client.session["_auth_user_id"]}).url == url
    assert Judgement.objects.count() == 1


@pytest.mark.parametrize("has_version", [True, False])
def test_guidelines_of_the_time_of_the_answer(page, project, ada, has_version):
    """One from before there were versions shows those of the first, whose form it has too."""
    client, url = page
    first, *others = ("The **first** ones.", "The **second** ones.", "The **third** ones.")
    project = update_project(project=project, actor=project.created_by, guidelines=first)
    lease = lease_seat(project=project, user=ada)
    kept = Judgement.objects.create(
        project=project,
        task_id=lease.task_id,
        seat_id=lease.seat_id,
        kind="pairwise",
        value={"verdict": "tie"},
        source="person",
        annotator=ada,
        shown_order=[response["id"] for response in lease.responses],
        form_version=project.form_version if has_version else None,
    )
    for guidelines in others:
        update_project(project=project, actor=project.created_by, guidelines=guidelines)
    assert "<strong>third</strong>" in client.get(url).content.decode()
    shown = client.get(reverse("revise_judgement", args=[project.pk, kept.pk])).content.decode()
    assert "<strong>first</strong>" in shown
    assert "<strong>third</strong>" not in shown
