"""Consent and questions on oneself in the browser: set by managers, answered before the work."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from annotate.models import Consent, Membership, ProfileAnswer
from annotate.services.people.consents import set_consent
from annotate.services.people.profiles import save_profile, set_questions

UNTIL = timezone.now().date() + timedelta(days=365)
AGE = {"name": "age", "title": "How old?", "kind": "choice", "choices": ["young", "old"]}
TONGUES = {"name": "tongues", "title": "You speak?", "kind": "multiple", "choices": ["en", "de"]}
JOB = {"name": "job", "title": "Your job?", "kind": "text"}
YEARS = {"name": "years", "title": "How long?", "kind": "number"}


@pytest.fixture
def asked(project):
    """The project asks for consent and has a question of each kind."""
    owner = project.created_by
    set_consent(project=project, actor=owner, text="Be **kind**. <script>x</script>")
    questions = [AGE, TONGUES, JOB, YEARS]
    set_questions(project=project, actor=owner, questions=questions, until=UNTIL)
    return project


def test_the_work_begins_with_the_consent(page, asked) -> None:
    client, work = page
    consent = reverse("consent", args=[asked.pk])
    assert client.get(work)["Location"] == consent
    shown = client.get(consent).content.decode()
    assert "<strong>kind</strong>" in shown
    assert "<script>x" not in shown
    answer = client.post(
        consent,
        {
            "version": "1",
            "q-age": "1",
            "q-tongues": ["0", "declined"],
            "q-job": "<nurse>",
            "q-years": "",
            "q-years-declined": "on",
        },
    )
    assert answer["Location"] == work
    assert client.get(work).status_code == 200
    answers = dict(ProfileAnswer.objects.values_list("question", "value"))
    assert answers == {"age": "old", "tongues": None, "job": "<nurse>", "years": None}
    shown = client.get(consent).content.decode()
    assert "You agreed on" in shown
    assert '<option value="1" selected>old</option>' in shown
    assert "&lt;nurse&gt;" in shown


def test_what_is_wrong_is_told_and_nothing_is_agreed(page, asked) -> None:
    client, _work = page
    consent = reverse("consent", args=[asked.pk])
    answer = client.post(consent, {"version": "1", "q-years": "many", "q-age": "7"})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"q-years", "q-age"}
    answer = client.post(consent, {"version": "1", "q-years": "1e300"})
    assert answer.status_code == 422
    assert answer.context["form"].errors["q-years"] == ["Must be a number"]
    set_consent(project=asked, actor=asked.created_by, text="Another")
    for version in ("1", "x", ""):
        answer = client.post(consent, {"version": version})
        assert answer.status_code == 422
        assert "changed meanwhile" in answer.content.decode()
    assert not Consent.objects.exists()
    assert not ProfileAnswer.objects.exists()


def test_a_script_that_asks_ahead_gets_nothing(page, asked, ada) -> None:
    client, _work = page
    assert client.get(reverse("next_task", args=[asked.pk])).status_code == 204
    api = client.get(f"/api/v1/projects/{asked.pk}/next/")
    assert api.status_code == 403
    assert "Before your first task" in api.json()["detail"]


def test_the_consent_is_withdrawn_with_a_second_look(page, asked) -> None:
    client, work = page
    client.post(reverse("consent", args=[asked.pk]), {"version": "1", "q-age": "0"})
    withdraw = reverse("withdraw_consent", args=[asked.pk])
    assert "under your pseudonym" in client.get(withdraw).content.decode()
    assert Consent.objects.get().withdrawn_at is None
    answer = client.post(withdraw, follow=True)
    assert "is withdrawn" in answer.content.decode()
    assert client.get(work)["Location"] == reverse("consent", args=[asked.pk])
    assert not ProfileAnswer.objects.exists()
    assert "not agreed" in client.post(withdraw, follow=True).content.decode()


def test_answers_change_later(page, project, ada) -> None:
    client, work = page
    set_questions(project=project, actor=project.created_by, questions=[JOB], until=UNTIL)
    consent = reverse("consent", args=[project.pk])
    assert client.get(work)["Location"] == consent
    assert client.post(consent, {"q-job": ""})["Location"] == work
    assert client.post(consent, {"q-job": "nurse"})["Location"] == consent
    assert ProfileAnswer.objects.get().value == "nurse"
    client.post(consent, {"q-job": ""})
    assert not ProfileAnswer.objects.exists()


def test_a_project_that_asks_nothing_says_so(page, project, make_user) -> None:
    client, _work = page
    consent = reverse("consent", args=[project.pk])
    assert "asks for nothing" in client.get(consent).content.decode()
    client.force_login(make_user("eve"))
    assert client.get(consent).status_code == 404


def test_managers_set_text_and_questions(client, project) -> None:
    client.force_login(project.created_by)
    settings = reverse("consent_settings", args=[project.pk])
    sent = {"text": "Be kind.\r\nAlways.", "shows_answers": "on"}
    client.post(reverse("set_consent", args=[project.pk]), sent)
    project.refresh_from_db()
    assert (project.consent.text, project.consent.shows_answers) == ("Be kind.\nAlways.", True)
    shown = client.get(settings)
    forms = {"questions-TOTAL_FORMS": "3", "questions-INITIAL_FORMS": "0", "until": str(UNTIL)}
    forms |= {"questions-0-title": "How old are you?", "questions-0-kind": "choice"}
    forms |= {"questions-0-choices": "young\r\n\r\n old \r\n", "questions-1-kind": "text"}
    forms |= {"questions-2-kind": "number", "questions-2-title": "3 words?"}
    answer = client.post(reverse("set_questions", args=[project.pk]), forms)
    assert answer.status_code == 302
    project.refresh_from_db()
    assert [one["name"] for one in project.profile_questions] == ["how_old_are_you", "q_3_words"]
    assert project.profile_questions[0]["choices"] == ["young", "old"]
    assert project.profile_until == UNTIL
    shown = client.get(settings).content.decode()
    assert "young\nold" in shown
    assert "held back" in shown
    forms |= {"questions-0-gone": "on"}
    client.post(reverse("set_questions", args=[project.pk]), forms)
    project.refresh_from_db()
    assert [one["name"] for one in project.profile_questions] == ["q_3_words"]


def test_what_is_wrong_with_a_question_stands_at_its_field(client, project) -> None:
    client.force_login(project.created_by)
    forms = {"questions-TOTAL_FORMS": "3", "questions-INITIAL_FORMS": "0", "until": ""}
    forms |= {"questions-0-kind": "text"}
    forms |= {"questions-1-title": "A", "questions-1-kind": "choice", "questions-1-choices": "x"}
    forms |= {"questions-2-title": "B", "questions-2-kind": "text", "questions-2-name": "B B"}
    answer = client.post(reverse("set_questions", args=[project.pk]), forms)
    assert answer.status_code == 422
    rows = answer.context["rows"].forms
    assert [set(form.errors) for form in rows] == [set(), {"choices"}, {"name"}]
    assert set(answer.context["until_form"].errors) == {"until"}
    assert 'value="B B"' in answer.content.decode()
    broken = client.post(reverse("set_questions", args=[project.pk]), {"until": "x"})
    assert broken.status_code == 422


def test_managers_see_single_answers_where_members_agreed(client, project, ada) -> None:
    member = Membership.objects.get(user=ada)
    set_questions(project=project, actor=project.created_by, questions=[TONGUES, JOB], until=UNTIL)
    save_profile(membership=member, answers={"tongues": ["en", "de"], "job": None})
    client.force_login(project.created_by)
    settings = reverse("consent_settings", args=[project.pk])
    assert "en, de" not in client.get(settings).content.decode()
    set_consent(project=project, actor=ada, text="They see it.", shows_answers=True)
    project.refresh_from_db()
    member.consent = project.consent
    member.save()
    assert "en, de" in client.get(settings).content.decode()


@pytest.mark.parametrize(("who", "status"), [("ada", 403), ("eve", 404)])
def test_others_set_nothing(client, project, ada, make_user, who, status) -> None:
    client.force_login(ada if who == "ada" else make_user("eve"))
    assert client.get(reverse("consent_settings", args=[project.pk])).status_code == status
    for name in ("set_consent", "set_questions"):
        assert client.post(reverse(name, args=[project.pk])).status_code == status
