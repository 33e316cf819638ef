"""Serving jobs of samples: their settings, and what each piece draws."""

from types import SimpleNamespace

import pytest

from annotate.kinds import InvalidValue
from tests.training.services.test_serving import work
from training import hosts
from training.services.serving import request_samples

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"n": 0}, "n: must be a whole number"),
        ({"n": 3000}, "n: times 1 rows is more than 2000 samples"),
        ({"max_new_tokens": 5000}, "max_new_tokens: must be a whole number from 1 to 1024"),
        ({"temperature": -1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
    ],
)
def test_bad_settings_of_samples_are_named(make_project, make_version, config, says):
    policy = make_version(make_project(), "policy")
    with pytest.raises(InvalidValue, match=says):
        request_samples(
            version=policy,
            actor=policy.project.created_by,
            rows=[{"prompt": "Q?"}],
            config=config,
        )


def test_every_piece_of_samples_draws_anew_and_the_same_again(
    make_project, make_version, monkeypatch
):
    orders: list[dict] = []

    def draw(order, rows, beat):
        orders.append(order)
        return [{"samples": []} for _ in rows]

    monkeypatch.setattr(hosts, "host", lambda name: SimpleNamespace(ask=draw))
    policy = make_version(make_project(), "policy")
    rows = [{"prompt": f"Q {n}?"} for n in range(10)]
    for _ in range(2):
        work(
            request_samples(
                version=policy,
                actor=policy.project.created_by,
                rows=rows,
                config={"n": 16, "seed": 5},
            )
        )
    seeds = [order["seed"] for order in orders]
    assert seeds[:3] == [5, 9, 13]
    assert seeds[3:] == seeds[:3]
