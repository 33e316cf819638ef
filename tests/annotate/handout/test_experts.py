"""Tasks for experts alone: who is given them, and the way back to everybody."""

import pytest
from django.test import Client
from django.urls import reverse

from annotate.assignment.contract import Item, Person
from annotate.assignment.eligibility import Obstacle, obstacle
from annotate.handout import lease_seat
from annotate.models import Membership, Prompt, Requirement, Seat, Task, User
from annotate.services.work.places import Place, put_first
from annotate.services.work.requirements import (
    give_to_everybody,
    keep_for_experts,
    renew_requirements,
)
from annotate.services.work.tasks import change_overlap
from tests.annotate.handout.required import given, row, take_in
from tests.annotate.handout.seats import answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def expert(member):
    def make(name: str, **more) -> User:
        user = member(name, **more)
        Membership.objects.filter(user=user).update(tier="expert")
        return user

    return make


def task(name: str) -> Task:
    return Task.objects.get(prompt__external_id=name)


def kept(*names: str) -> None:
    for name in names:
        assert keep_for_experts(task_id=task(name).pk)
        assert not keep_for_experts(task_id=task(name).pk)


def test_they_alone_get_them_and_skill_and_language_hold_for_them_too(
    project,
    member,
    expert,
):
    wanted = [{}, {}, {"skills": ["law"]}, {"language": "de"}, {"skills": ["law"]}]
    take_in(project, [row(number, **more) for number, more in enumerate(wanted)], overlap=9)
    kept("r1", "r2", "r3")
    people = {
        "ann": member("ann", ["en"], ["law"]),
        "bob": member("bob", ["de"]),
        "eva": expert("eva", languages=["en"], skills=["law"]),
        "eli": expert("eli", languages=["de"]),
    }
    got = {name: given(project, user) for name, user in people.items()}
    assert got == {
        "ann": ["r0", "r4"],
        "bob": ["r0"],
        "eva": ["r0", "r1", "r2", "r4"],
        "eli": ["r0", "r1", "r3"],
    }
    for name, user in people.items():
        own = Membership.objects.get(user=user)
        person = Person(user.pk, frozenset(own.languages), frozenset(own.skills), own.tier)
        pure = [
            f"r{one}"
            for one, more in enumerate(wanted)
            if obstacle(
                person,
                Item(
                    one,
                    language=more.get("language", ""),
                    skills=frozenset(more.get("skills", [])),
                    tier="expert" if one in (1, 2, 3) else "",
                ),
            )
            is None
        ]
        assert pure == got[name]
    assert obstacle(Person(1), Item(1, tier="expert")) is Obstacle.TIER


def test_who_is_at_it_goes_on_and_nobody_else_comes_to_it(project, member, expert):
    take_in(project, [row(0)])  # two people are wanted
    ann, bob = member("ann"), member("bob")
    lease = lease_seat(project=project, user=ann)
    kept("r0")
    answer(lease, ann)
    assert given(project, bob) == []
    assert given(project, expert("eva")) == ["r0"]
    assert Seat.objects.filter(state="done").count() == 2


def test_seats_made_later_and_other_languages_leave_it_the_experts(
    project,
    member,
    expert,
):
    take_in(project, [row(0)])
    kept("r0")
    Prompt.objects.update(language="fr")
    renew_requirements(project=project, prompt_ids=[Prompt.objects.get().pk])
    change_overlap(project=project, old=2, new=3)
    assert {one.requirement_id for one in Seat.objects.all()} == {
        Requirement.objects.get(language="fr", tier="expert").pk
    }
    assert given(project, member("ann", ["fr"])) == []
    assert given(project, expert("eva", languages=["fr"])) == ["r0"]


def test_given_to_everybody_they_come_in_the_projects_order_ranked_ones_too(
    project, member, django_capture_on_commit_callbacks
):
    ann = member("ann")
    take_in(project, [row(number) for number in range(4)])
    kept("r0", "r1", "r3")
    put_first(project=project, places=[Place(task("r3").pk)])
    assert given(project, ann) == ["r2"]
    with django_capture_on_commit_callbacks(execute=True):
        assert give_to_everybody(project=project, task_ids=[task("r1").pk, task("r2").pk]) == 1
    assert given(project, ann) == ["r1"]
    with django_capture_on_commit_callbacks(execute=True):
        assert give_to_everybody(project=project) == 2
    assert give_to_everybody(project=project) == 0
    assert given(project, ann) == ["r3", "r0"]


def test_a_new_expert_gets_what_was_passed_over(project, member):
    ann = member("ann")
    take_in(project, [row(0), row(1)])
    kept("r0")
    assert given(project, ann) == ["r1"]
    own = Membership.objects.get(user=ann)
    own.tier = "expert"
    own.save()
    assert given(project, ann) == ["r0"]


def test_the_page_the_list_and_rest_say_so(project, member, client: Client):
    ann = member("ann", skills=["law"])
    take_in(project, [row(0), row(1, skills=["medicine"]), row(2, skills=["law"])])
    kept("r0", "r1", "r2")
    client.force_login(ann)
    page = client.get(reverse("work", args=[project.pk])).content.decode()
    assert "2 tasks are for experts alone." in page
    told = client.get(f"/api/v1/projects/{project.pk}/next/left/").json()
    assert (told["experts"], told["skills"]) == (2, {"medicine": 1})
    client.force_login(project.created_by)
    assert client.get(f"/api/v1/tasks/{task('r0').pk}/").json()["tier"] == "expert"
    assert b"For experts alone" in client.get(reverse("task", args=[task("r0").pk])).content
    give_to_everybody(project=project, task_ids=[task("r0").pk])
    listed = client.get(reverse("tasks", args=[project.pk]), {"show": "experts"})
    assert [one.task for one in listed.context["rows"]] == [task("r2"), task("r1")]
