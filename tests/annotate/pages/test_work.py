"""The work page without scripts: plain forms, redirects, and what scripts are told."""

import json
import re
from datetime import timedelta

import psycopg
import pytest
from django.urls import reverse
from django.utils import timezone

from annotate.handout import lease_seat, reopen_expired
from annotate.kinds.pairwise import PairwiseSettings, clean_value
from annotate.models import Draft, Judgement, Membership, Seat, Skip
from annotate.pages.pairwise_form import format_answer, others, parse_answer, scale

JSON = {"Accept": "application/json"}


@pytest.fixture
def ada(make_user):
    return make_user("ada")


@pytest.fixture
def project(make_project, add_member, make_pair_tasks, ada):
    project = make_project(name="Answers", guidelines="Prefer **true** answers.")
    add_member(project, ada)
    make_pair_tasks(project, 5)
    return project


@pytest.fixture
def page(client, ada, project):
    """The signed-in client and the work page's address."""
    client.force_login(ada)
    return client, reverse("work", args=[project.pk])


def form_of(html: str) -> tuple[str, list[str]]:
    """Where the answer goes, and the answers offered, as a browser reads them."""
    action = re.search(r'id="answer" method="post" action="([^"]+)"', html)[1]
    return action, re.findall(r'name="answer" value="([^"]+)"', html)


def open_page(client, url: str) -> tuple[str, list[str]]:
    response = client.get(url)
    assert response.status_code == 200
    return form_of(response.content.decode())


def test_needs_a_login(client, project):
    response = client.get(reverse("work", args=[project.pk]))
    assert response.status_code == 302
    assert response.url.startswith(reverse("login"))


def test_strangers_get_404(client, make_user, project):
    client.force_login(make_user("eve"))
    assert client.get(reverse("work", args=[project.pk])).status_code == 404
    assert client.get(reverse("next_task", args=[project.pk])).status_code == 404
    assert client.get(reverse("undo", args=[project.pk])).status_code == 404
    seat = Seat.objects.first()
    for name in ("submit_judgement", "skip_seat", "renew_lease"):
        answer = client.post(reverse(name, args=[project.pk, seat.pk]), {"answer": "tie"})
        assert answer.status_code in (404, 400)
    assert not Judgement.objects.exists()


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


def test_same_form_twice_counts_once(page):
    client, url = page
    action, answers = open_page(client, url)
    first = client.post(action, {"answer": answers[0]}, headers=JSON).json()
    second = client.post(action, {"answer": answers[0]}, headers=JSON).json()
    assert first["judgement"] == second["judgement"]
    assert second["message"] == ""
    assert Judgement.objects.count() == 1


def test_another_answer_to_the_same_form_is_told_not_taken(page):
    client, url = page
    action, answers = open_page(client, url)
    client.post(action, {"answer": answers[0]})
    said = client.post(action, {"answer": answers[-1]}, headers=JSON).json()
    assert "first answer stays" in said["message"]
    assert Judgement.objects.count() == 1


@pytest.mark.parametrize(
    "answer", ["", "nonsense", "prefer", "prefer:1", "prefer:999999:1", "prefer:x:y", "tie:1:2:3"]
)
def test_bad_answer_keeps_what_was_typed(page, answer):
    client, url = page
    action, _answers = open_page(client, url)
    response = client.post(action, {"answer": answer, "rationale": "my long thoughts"})
    html = response.content.decode()
    assert response.status_code == 422
    assert "my long thoughts" in html
    assert re.search(r'class="problem" role="alert" >value', html)
    assert form_of(html)[0] == action
    assert not Judgement.objects.exists()


def test_what_was_typed_never_moves_to_another_task(page, make_user, add_member, project):
    client, url = page
    action, _answers = open_page(client, url)
    past = timezone.now() - timedelta(hours=1)
    Seat.objects.filter(state="leased").update(leased_at=past, leased_until=past)
    reopen_expired(10)
    other = make_user("other")
    add_member(project, other)
    lease_seat(project=project, user=other)
    response = client.post(action, {"answer": "", "rationale": "my long thoughts"}, follow=True)
    html = response.content.decode()
    assert form_of(html)[0] != action
    assert "my long thoughts" not in html
    assert "no longer yours" in html


def test_a_skip_without_a_reason_keeps_the_draft(page):
    client, url = page
    action, _answers = open_page(client, url)
    draft = {"answer": "", "rationale": "my long thoughts"}
    client.post(action.replace("/submit/", "/draft/"), draft, content_type="application/json")
    response = client.post(action.replace("/submit/", "/skip/"), {"reason": ""})
    assert response.status_code == 422
    assert "my long thoughts" in response.content.decode()


def test_nul_characters_are_refused(page):
    client, url = page
    action, answers = open_page(client, url)
    response = client.post(action, {"answer": answers[0], "rationale": "a\0b"}, headers=JSON)
    assert response.status_code == 400
    assert response.json()["field"] == "rationale"


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


def test_other_peoples_answers_cannot_be_opened(page, project, make_user, add_member, client):
    _client, url = page
    action, answers = open_page(client, url)
    client.post(action, {"answer": answers[0]})
    judgement = Judgement.objects.get()
    bob = make_user("bob")
    add_member(project, bob, "manager")
    client.force_login(bob)
    revise = reverse("revise_judgement", args=[project.pk, judgement.pk])
    assert client.get(revise).status_code == 404
    assert client.post(revise, {"answer": "tie"}).status_code == 404
    assert Judgement.objects.count() == 1


@pytest.mark.parametrize("number", [0, 2**63, 10**30])
def test_absurd_ids_are_404(page, project, number):
    client, _url = page
    for name in ("submit_judgement", "skip_seat", "renew_lease"):
        address = reverse(name, args=[project.pk, number])
        assert client.post(address, {"answer": "tie", "reason": "other"}).status_code == 404
    assert client.get(reverse("revise_judgement", args=[project.pk, number])).status_code == 404
    assert client.get(reverse("work", args=[number])).status_code == 404
    beside = {"beside": str(number)}
    assert client.get(reverse("next_task", args=[project.pk]), beside).status_code in (200, 404)


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


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, '{"a": "\\u0000"}', b"\xff\xfe", "NaN"])
def test_bad_drafts_are_refused(page, body):
    client, url = page
    save = open_page(client, url)[0].replace("/submit/", "/draft/")
    assert client.post(save, body, "application/json").status_code == 400


@pytest.mark.parametrize("draft", [[], "x", {"answer": 3, "seconds_active": "x", "saved_at": -1}])
def test_drafts_of_other_clients_do_no_harm(page, draft):
    client, url = page
    save = open_page(client, url)[0].replace("/submit/", "/draft/")
    assert client.post(save, json.dumps(draft), "application/json").status_code == 204
    assert client.get(url).status_code == 200


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


def test_late_answer_is_kept_and_told(page, project, make_user, add_member):
    client, url = page
    action, answers = open_page(client, url)
    seat = Seat.objects.get(state="leased")
    ada = seat.annotator
    bob = make_user("bob")
    add_member(project, bob)
    Seat.objects.filter(pk=seat.pk).update(annotator=bob, former_holders=[ada.pk])
    response = client.post(action, {"answer": answers[0]}, follow=True)
    assert "kept as an extra one" in response.content.decode()
    assert Judgement.objects.get().late


def test_stale_page_is_told_and_led_on(page, project):
    client, url = page
    action, answers = open_page(client, url)
    Seat.objects.filter(state="leased").update(state="void", annotator=None, former_holders=[])
    response = client.post(action, {"answer": answers[0]}, follow=True)
    assert "nothing was saved" in response.content.decode()
    assert client.post(action, {"answer": answers[0]}, headers=JSON).status_code == 409


def test_renew_keeps_the_seat(page):
    client, url = page
    action, _answers = open_page(client, url)
    before = Seat.objects.get(state="leased").leased_until
    assert client.post(action.replace("/submit/", "/renew/")).status_code == 204
    assert Seat.objects.get(state="leased").leased_until > before


@pytest.mark.parametrize("seconds", ["", "x", "NaN", "-1", "1e99", "inf"])
def test_a_broken_clock_does_not_cost_the_answer(page, seconds):
    client, url = page
    action, answers = open_page(client, url)
    data = {"answer": answers[0], "seconds_active": seconds, "shown_for": seconds}
    assert client.post(action, data).status_code == 302
    assert Judgement.objects.get().seconds_active is None


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
    """Session, user, then: look, write, next lease. Progress is counted now and then."""
    client, url = page
    action, answers = open_page(client, url)
    statements.clear()
    assert client.post(action, {"answer": answers[0]}, headers=JSON).json()["next"]
    assert len(statements) == 5


def test_statements_of_the_page(page, statements):
    """Session, user, project, membership, lease."""
    client, url = page
    client.get(url)
    statements.clear()
    client.get(url)
    assert len(statements) == 5


def test_methods(page, project):
    client, url = page
    action, _answers = open_page(client, url)
    assert client.post(url).status_code == 405
    assert client.get(action).status_code == 405


def test_policy_forbids_inline_scripts(page):
    client, url = page
    response = client.get(url)
    assert "default-src 'self'" in response["Content-Security-Policy"]
    html = response.content.decode()
    assert "<style" not in html
    assert " style=" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"\son\w+=", html)


@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("tie", [True, False])
def test_every_offered_answer_is_valid(levels, tie):
    settings = PairwiseSettings(strength_levels=levels, allow_tie=tie, allow_both_good=True)
    offered = [*scale(settings, [7, 4]), *others(settings)]
    assert len(offered) == 2 * levels + tie + 2
    assert len({option.key for option in offered}) == len(offered)
    for option in offered:
        value = parse_answer(option.value)
        assert clean_value(value, response_ids=[7, 4], settings=settings) == value
        assert format_answer(value) == option.value
