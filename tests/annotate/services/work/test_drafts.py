"""Drafts of two browsers: neither takes the other's away."""

import itertools

import pytest

from annotate.handout import lease_seat
from annotate.models import Draft
from annotate.services.work.drafts import save_draft, saved_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def save(make_project, make_pair_tasks, make_user):
    """save(text, saved_at, follows, **more) -> what was set aside."""
    ann = make_user("ann")
    project = make_project(ann)
    make_pair_tasks(project, 1)
    seat = lease_seat(project=project, user=ann).seat_id

    def save(text: str, at: float, follows: float, **more):
        value = {"fields": {"rationale": [text]}, "saved_at": at, "follows": follows, **more}
        aside = save_draft(seat_id=seat, user=ann, value=value)
        assert saved_at(seat_id=seat, user=ann) == at
        return aside

    return save


def texts(*drafts: dict) -> list[str]:
    return [draft["fields"]["rationale"][0] for draft in drafts]


def stored() -> dict:
    return Draft.objects.get().value


def test_what_follows_takes_its_place(save):
    assert save("a", 1, 0) is None
    assert save("ab", 2, 1) is None
    assert (texts(stored()), "aside" in stored()) == (["ab"], False)


@pytest.mark.parametrize("behind", [0, 9])
def test_what_follows_another_carries_that_one_along(save, behind):
    save("a", 5, 0)
    assert texts(save("b", 6, behind)) == ["a"]
    assert texts(stored(), stored()["aside"]) == ["b", "a"]
    assert save("bc", 7, 6) is None
    assert texts(stored(), stored()["aside"]) == ["bc", "a"]
    assert "aside" not in stored()["aside"]


def test_two_that_write_in_turn_never_lose_the_last_of_either(save):
    said = {"a": "", "b": ""}
    follows = {"a": 0, "b": 0}
    clock = itertools.count(1)
    for who in "abbaabab":
        said[who] += who
        at = next(clock)
        save(said[who], at, follows[who])
        follows[who] = at
        if all(said.values()):
            assert sorted(texts(stored(), stored()["aside"])) == sorted(said.values())


def test_the_same_and_nothing_are_not_set_aside(save):
    save("", 1, 0)
    assert save("a", 2, 0) is None
    assert save("a", 3, 0) is None
    assert "aside" not in stored()


def test_a_browser_that_brings_an_older_one_along_has_it_kept(save):
    save("b", 5, 0)
    older = {"fields": {"rationale": ["a"]}, "saved_at": 4, "follows": 0}
    assert save("b", 6, 5, aside=older) is None
    assert texts(stored(), stored()["aside"]) == ["b", "a"]


def test_a_page_whose_receipt_was_lost_follows_itself(save):
    save("a", 1, 0, page="x")
    assert save("ab", 2, 0, page="x") is None
    assert texts(save("b", 3, 0, page="y")) == ["ab"]


@pytest.mark.parametrize("other", [{"rationale": "x"}, [], "x", {"fields": 3, "saved_at": "x"}])
def test_drafts_of_other_clients_replace_and_are_replaced(save, other):
    save("a", 1, 0)
    draft = Draft.objects.get()
    ann, seat = draft.annotator, draft.seat_id
    assert save_draft(seat_id=seat, user=ann, value=other) is None
    assert (stored(), saved_at(seat_id=seat, user=ann)) == (other, 0)
    assert save("b", 2, 1) is None
    assert "aside" not in stored()
