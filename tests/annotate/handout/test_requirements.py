"""Who is given what: by language and skill, and never one's own text."""

import pytest
from django.test import Client
from django.urls import reverse

from annotate.assignment.contract import Item, Person
from annotate.assignment.eligibility import obstacle
from annotate.handout import lease_seat
from annotate.models import Membership, Prompt, Requirement, Seat, Task, TaskAuthor
from annotate.services.work.places import Place, put_first
from annotate.services.work.requirements import renew_requirements
from annotate.services.work.seats import release_seat
from tests.annotate.handout.required import given, row, take_in

pytestmark = pytest.mark.django_db

SKILLS = {0: [], 1: ["medicine"], 2: ["law", "medicine"]}


def test_a_task_goes_to_those_alone_who_may_label_it_as_the_pure_rule_says(project, member):
    """Every language a person may know against every one a task may be in, with every skill."""
    tags = ["", "de", "pt-BR", "pt-PT", "pt", "zh-Hans", "x"]
    cases = [(tag, skills) for tag in tags for skills in SKILLS.values()]
    take_in(
        project,
        [row(n, language=tag, skills=skills) for n, (tag, skills) in enumerate(cases)],
        overlap=20,
    )
    known = [[], ["de"], ["PT"], ["pt-BR", "zh"], ["zh-Hant", "de-AT"], ["xx"]]
    people = [(languages, skills) for languages in known for skills in SKILLS.values()]
    for number, (languages, skills) in enumerate(people):
        person = Person(number, frozenset(languages), frozenset(skills))
        wanted = [
            f"r{n}"
            for n, (tag, needs) in enumerate(cases)
            if obstacle(person, Item(n, language=tag, skills=frozenset(needs))) is None
        ]
        user = member(f"p{number}", languages, skills)
        assert given(project, user) == wanted, (languages, skills)


def test_nobody_is_given_a_text_of_their_own(project, member):
    ann, bob = member("ann"), member("bob")
    rows = [
        row(0, authors=["ann"]),
        row(1, authors=["nobody here", bob.pseudonym]),
        row(2, responses=[{"text": "one", "author": "ann"}, {"text": "two"}, {"text": "three"}]),
    ]
    take_in(project, rows)
    assert given(project, bob) == ["r0", "r2", "r2", "r2"]
    assert given(project, ann) == ["r1", "r2"]  # the pair without what she wrote
    take_in(project, rows)
    assert TaskAuthor.objects.count() == 4


def test_who_joins_later_is_found_by_the_same_file(project, member):
    rows = [row(0, authors=["late"]), row(1, responses=[{"text": "x", "author": "late"}, "y"])]
    take_in(project, [*rows, row(2)])
    late = member("late")
    assert not TaskAuthor.objects.exists()
    take_in(project, rows)
    assert given(project, late) == ["r2"]


def test_skills_and_stratum_are_kept_as_tidied(project):
    take_in(project, [row(0, stratum="clinic", skills="  Medicine,LAW, law", language="EN-gb")])
    task = Task.objects.get()
    assert (task.stratum, task.skills) == ("clinic", ["law", "medicine"])
    [wanted] = Requirement.objects.all()
    assert (wanted.language, wanted.skills) == ("en-gb", ["law", "medicine"])
    assert set(Seat.objects.values_list("requirement", flat=True)) == {wanted.pk}
    take_in(project, [row(1, skills=["law", "medicine"], language="en-GB")])
    assert Requirement.objects.count() == 1


def test_a_later_row_may_name_the_language(project, member):
    ann = member("ann", ["de"])
    take_in(project, [row(0), row(1)])
    take_in(project, [row(0, language="fr")])
    assert given(project, ann) == ["r1"]
    take_in(project, [row(0, language="de")])
    assert given(project, ann) == ["r0"]


def test_new_languages_open_what_was_passed_over_in_the_projects_order(project, member):
    ann = member("ann", ["en"])
    take_in(project, [row(n, language="de" if n % 2 else "en") for n in range(6)])
    assert given(project, ann) == ["r0", "r2", "r4"]
    own = Membership.objects.get(user=ann)
    assert own.queue_cursor > 0
    own.languages = ["en", "de"]
    own.save()
    assert given(project, ann) == ["r1", "r3", "r5"]


def test_seats_that_came_back_and_ranked_ones_are_for_those_who_may_have_them(project, member):
    ann, bob = member("ann", ["en"]), member("bob", ["de"])
    take_in(project, [row(n, language="de" if n < 3 else "en") for n in range(6)])
    german = list(Task.objects.order_by("pk")[:3])
    put_first(project=project, places=[Place(task.pk) for task in reversed(german)])
    lease = lease_seat(project=project, user=bob)
    assert lease.task_id == german[-1].pk
    release_seat(seat_id=lease.seat_id, user=bob)
    assert given(project, ann) == ["r3", "r4", "r5"]
    assert given(project, bob) == ["r2", "r1", "r0"]


def test_a_task_that_requires_nothing_any_more_is_for_everybody(project, member):
    ann = member("ann", ["en"])
    take_in(project, [row(0, language="de")])
    assert given(project, ann) == []
    Prompt.objects.update(language="")
    assert renew_requirements(project=project, prompt_ids=[Prompt.objects.get().pk]) == 2
    assert given(project, ann) == ["r0"]


def test_the_page_and_rest_say_why_nothing_is_left(project, member, client: Client):
    ann = member("ann", ["en"], ["law"])
    take_in(
        project,
        [
            *(row(n, language="de") for n in range(3)),
            row(3, language="fr", skills=["medicine"]),
            row(4, skills=["law", "medicine"]),
            row(5, authors=["ann"]),
        ],
    )
    client.force_login(ann)
    page = client.get(reverse("work", args=[project.pk])).content.decode()
    text = " ".join(page.split())
    assert "4 tasks are in languages that you did not name:" in text
    assert "<bdi>de</bdi> (3), <bdi>fr</bdi> (1)" in text
    assert "1 task asks for skills that you are not listed with:" in text
    assert "<bdi>medicine</bdi> (1)" in text
    assert "1 task holds a text that you wrote." in text
    told = client.get(f"/api/v1/projects/{project.pk}/next/left/").json()
    assert told == {
        "languages": {"de": 3, "fr": 1},
        "skills": {"medicine": 1},
        "experts": 0,
        "own_texts": 1,
    }


def test_who_may_have_everything_is_told_nothing_of_it(project, member, client: Client):
    ann = member("ann", ["en"], ["law"])
    take_in(project, [row(0, language="en", skills=["law"])])
    given(project, ann)
    client.force_login(ann)
    page = client.get(reverse("work", args=[project.pk])).content.decode()
    assert "What is open is not for you" not in page
    assert "Every task is done" in page
