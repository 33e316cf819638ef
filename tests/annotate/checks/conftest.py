"""Projects with known answers, and people at work in them."""

import pytest

from annotate import handout
from annotate.models import GoldItem, Membership, Standing, Task, User
from annotate.services.people.standing import set_rules
from annotate.services.work.gold import set_gold
from annotate.services.work.judgements import submit_judgement
from tests.annotate.api.conftest import refused

__all__ = ["refused"]


@pytest.fixture(autouse=True)
def _no_rest():
    handout._searched_until.clear()


@pytest.fixture
def shop(make_project, add_member, make_pair_tasks):
    """shop(tasks, gold, people, **rules): a project whose last `gold` tasks have known answers,
    all of them a tie, its annotators, and the items.
    """

    def make(tasks: int, gold: int = 0, people: int = 1, use="hidden", overlap=1, **rules):
        owner = User.objects.create(username="owner")
        project = make_project(owner, overlap=overlap)
        users = [User.objects.create(username=f"ann{number}") for number in range(people)]
        for user in users:
            add_member(project, user)
        make_pair_tasks(project, tasks + gold)
        chosen = Task.objects.filter(project=project).order_by("-pk")[:gold]
        items = [
            set_gold(task=task, actor=owner, value={"verdict": "tie"}, use=use) for task in chosen
        ]
        if rules:
            set_rules(project=project, actor=owner, **rules)
        return project, users, items

    return make


@pytest.fixture
def answer():
    """answer(lease, user, verdict="tie") -> what was submitted."""

    def submit(lease, user, verdict="tie", **more):
        return submit_judgement(
            seat_id=lease.seat_id, user=user, value={"verdict": verdict}, **more
        )

    return submit


@pytest.fixture
def standing_of():
    def find(project, user) -> Standing:
        member = Membership.objects.get(project=project, user=user)
        return Standing.objects.get_or_create(membership=member)[0]

    return find


@pytest.fixture
def is_gold():
    def ask(lease) -> bool:
        return GoldItem.objects.filter(task=lease.task_id).exists()

    return ask
