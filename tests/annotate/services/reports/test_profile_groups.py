"""Leaderboards of people who told the same of themselves: by consent, and never of few."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from annotate.inputs import InvalidValue
from annotate.models import BoardRun, JobState, Membership
from annotate.services.people.consents import give_consent, set_consent, withdraw_consent
from annotate.services.people.profiles import save_profile, set_questions
from annotate.services.reports import boards, profile_groups
from annotate.services.reports.board_rules import BoardRules
from tests.annotate.voting import add_task, prefer, vote

pytestmark = pytest.mark.django_db
QUESTIONS = [
    {"name": "age", "title": "How old are you?", "kind": "choice", "choices": ["young", "old"]},
    {"name": "reads", "title": "What?", "kind": "multiple", "choices": ["papers", "books"]},
    {"name": "job", "title": "What do you do?", "kind": "text"},
]
YOUNG = BoardRules(question="age", answer="young")


@pytest.fixture
def project(make_project, make_user, add_member, monkeypatch):
    """Three young and three old people, of whom all voted; three are enough in these tests."""
    monkeypatch.setattr(profile_groups, "LEAST_PEOPLE", 3)
    project = make_project()
    until = timezone.now().date() + timedelta(days=30)
    set_questions(project=project, actor=project.created_by, questions=QUESTIONS, until=until)
    consent(project, "By age, too.", compares_groups=True)
    project.people = [make_user(f"p{number}") for number in range(6)]
    for place, person in enumerate(project.people):
        member = add_member(project, person)
        give_consent(membership=member, number=1)
        answers = {"age": "young" if place < 3 else "old", "reads": ["papers", "books"]}
        save_profile(membership=member, answers=answers)
    vote(project, project.people, tasks=2)
    return project


def consent(project, text: str, **more) -> None:
    set_consent(project=project, actor=project.created_by, text=text, **more)
    project.refresh_from_db()


def computed(project, rules: BoardRules = YOUNG) -> BoardRun:
    run = boards.start_board(project=project, actor=project.created_by, rules=rules)
    boards.compute_board(run.pk)
    run.refresh_from_db()
    return run


def member_of(project, place: int) -> Membership:
    return Membership.objects.get(project=project, user=project.people[place])


def test_ten_people_are_the_least() -> None:
    assert profile_groups.LEAST_PEOPLE == 10  # as docs/leaderboards.md and the consent page say


def test_votes_of_the_group_alone_are_counted(project) -> None:
    young = computed(project)
    assert young.state == JobState.DONE, young.message
    assert young.result["counts"]["authors"] == 3
    assert young.result["counts"]["votes"] == 3 * 6
    task = add_task(project, "a", "b")
    prefer(task, 0, annotator=project.people[3])
    assert computed(project).result["counts"]["votes"] == 3 * 6, "of an old one"
    prefer(task, 0, annotator=project.people[0])
    again = computed(project)
    assert again.result["counts"]["votes"] == 3 * 6 + 1
    assert again.sha256 != young.sha256
    assert not {"question", "answer"} & set(BoardRules().as_dict()), "other boards keep their hash"


def test_each_of_several_choices_is_a_group_and_some_must_be_outside(project) -> None:
    books = BoardRules(question="reads", answer="books")
    run = computed(project, books)
    assert run.state == JobState.FAILED, "all are within"
    assert "at least 3 people within the group" in run.message
    assert run.result is None
    for place in range(3, 6):
        save_profile(membership=member_of(project, place), answers={"reads": ["papers"]})
    assert computed(project, books).result["counts"]["authors"] == 3


def test_who_takes_consent_back_is_in_no_group_and_few_are_not_told_of(project) -> None:
    withdraw_consent(membership=member_of(project, 0))
    run = computed(project)
    assert run.state == JobState.FAILED
    assert (run.result, run.progress) == (None, 0)


def test_whose_answers_hold_no_vote_makes_no_group_larger(project, make_user, add_member) -> None:
    mute = add_member(project, make_user("mute"))
    give_consent(membership=mute, number=1)
    save_profile(membership=mute, answers={"age": "young"})
    prefer(add_task(project, "a", ""), 0, annotator=mute.user)  # of a model without a name
    assert computed(project).result["counts"]["authors"] == 3
    save_profile(membership=member_of(project, 0), answers={"age": "old"})
    run = computed(project)
    assert (run.state, run.result) == (JobState.FAILED, None)


def test_those_who_agreed_to_a_version_without_it_are_in_none(project) -> None:
    consent(project, "Counts alone.")
    with pytest.raises(InvalidValue, match="does not allow figures by group") as caught:
        computed(project)
    assert caught.value.field == "question"
    rules = BoardRules(ties="halves")
    run = boards.start_board(project=project, actor=project.created_by, rules=rules)
    assert run.state == JobState.QUEUED
    consent(project, "By age again.", compares_groups=True)
    assert computed(project).result["counts"]["authors"] == 3, "of version 1, which allowed it"
    give_consent(membership=member_of(project, 0), number=3)
    assert computed(project).result["counts"]["authors"] == 3
    member = member_of(project, 1)
    member.consent = project.consent_texts.get(number=2)
    member.save(update_fields=["consent"])
    assert computed(project).state == JobState.FAILED


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"answer": ""}, "answer"),
        ({"question": ""}, "question"),
        ({"team": "x"}, "team"),
        ({"group": "annotators"}, "group"),
        ({"by": "language"}, "by"),
        ({"source": "all"}, "source"),
        ({"simulated": "include"}, "simulated"),
    ],
)
def test_nothing_else_narrows_a_group(more, field) -> None:
    with pytest.raises(InvalidValue) as caught:
        BoardRules.clean({"question": "age", "answer": "young", **more})
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("question", "answer", "field"),
    [("job", "x", "question"), ("no", "x", "question"), ("age", "middle", "answer")],
)
def test_only_choices_of_questions_asked_now_make_groups(project, question, answer, field) -> None:
    with pytest.raises(InvalidValue) as caught:
        computed(project, BoardRules(question=question, answer=answer))
    assert caught.value.field == field


def test_page_and_rest(project, client) -> None:
    client.force_login(project.created_by)
    page = client.get(reverse("leaderboard", args=[project.pk])).content.decode()
    assert '<option value="age:young">young</option>' in page
    assert "What do you do?" not in page, "a text makes no groups"
    compute = reverse("compute_board", args=[project.pk])
    refused = client.post(compute, {"profile": "age:young", "group": "annotators"})
    assert refused.status_code == 422
    assert "group" in refused.context["form"].errors
    assert client.post(compute, {"profile": "age:young"}).status_code == 302
    run = BoardRun.objects.get(project=project)
    boards.compute_board(run.pk)
    shown = client.get(reverse("board_run", args=[run.pk])).content.decode()
    votes = reverse("board_run_votes", args=[run.pk])
    assert votes not in shown
    assert "<dt>age</dt><dd>young</dd>" in shown
    assert client.get(f"{votes}?first=0").status_code == 404
    api = f"/api/v1/projects/{project.pk}/board-runs/"
    answer = client.post(
        api, {"question": "age", "answer": "nobody"}, content_type="application/json"
    )
    assert answer.status_code == 400
    assert "young" in answer.content.decode()
    again = client.post(api, {"question": "age", "answer": "old"}, content_type="application/json")
    assert again.status_code == 202
    assert again.json()["rules"]["answer"] == "old"


def test_the_consent_page_and_its_settings_say_so(project, client) -> None:
    client.force_login(project.people[0])
    shown = client.get(reverse("consent", args=[project.pk])).content.decode()
    assert "never of fewer than ten people" in shown
    client.force_login(project.created_by)
    sent = {"text": "Another.", "compares_groups": "on"}
    client.post(reverse("set_consent", args=[project.pk]), sent)
    project.refresh_from_db()
    assert project.consent.compares_groups
    client.post(reverse("set_consent", args=[project.pk]), {"text": "Another."})
    project.refresh_from_db()
    assert (project.consent.number, project.consent.compares_groups) == (3, False)
    api = f"/api/v1/projects/{project.pk}/consent/"
    body = {"text": "Third.", "compares_groups": True}
    assert client.put(api, body, content_type="application/json").json()["compares_groups"] is True
