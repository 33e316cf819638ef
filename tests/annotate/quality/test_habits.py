import pytest

from annotate.kinds.sayings import Label, Order
from annotate.quality.habits import habits, hasty_below, longest_run, side
from annotate.quality.intervals import wilson
from annotate.quality.votes import Row


def row(number, verdict, *, shown=(1, 2), seconds=None, text=""):
    return Row(number, number, 0, seconds, 0.0, shown, text, [Label("", "1,2", verdict)])


def told(rows, **more):
    return habits(rows, **{"hasty": None, "written": {}, **more})


def test_a_run_is_of_sides_as_shown_not_of_responses() -> None:
    """The first response each time, now on the left, now on the right, is no straight line."""
    turned = [row(n, "first", shown=(1, 2) if n % 2 else (2, 1)) for n in range(40)]
    assert longest_run(turned).length == 1
    assert not longest_run(turned).flagged
    left = [row(n, "first" if n % 2 else "second", shown=(1, 2) if n % 2 else (2, 1))
            for n in range(40)]  # fmt: skip
    found = longest_run(left)
    assert (found.length, found.first, found.last, found.flagged) == (40, 0, 39, True)
    assert longest_run([]) is None


def test_a_run_that_chance_explains_is_not_flagged() -> None:
    """Twelve heads in a row among a thousand throws are nothing to speak of; thirty are."""
    tosses = ["first" if (n * n // 7) % 2 else "second" for n in range(988)]
    assert not longest_run([row(n, one) for n, one in enumerate(["first"] * 12 + tosses)]).flagged
    assert longest_run([row(n, one) for n, one in enumerate(["first"] * 30 + tosses)]).flagged


def test_the_side_with_its_interval() -> None:
    rows = [row(n, "first" if n < 33 else "second") for n in range(40)]
    found = side([*rows, row(41, "tie")])
    assert (found.hits, found.count, found.by_chance, found.flagged) == (33, 40, 0.5, True)
    assert (found.low, found.high) == wilson(33, 40)
    assert not side(rows[15:]).flagged
    four = Order("", ((3,), (1, 2, 4)))
    best = [Row(n, n, 0, None, 0.0, (3, 1, 2, 4), "", [four]) for n in range(30)]
    found = side(best)
    assert (found.hits, found.by_chance, found.flagged) == (30, 0.25, True)
    tied = Order("", ((1, 3), (2,)))
    assert side([Row(1, 1, 0, None, 0.0, (1, 2, 3), "", [tied])]) is None


def test_haste_is_a_third_of_everybodys_median() -> None:
    others = [row(n, "tie", seconds=30.0) for n in range(30)]
    mine = [row(n, "tie", seconds=9.0 if n < 10 else 30.0) for n in range(30)]
    assert hasty_below(others) == pytest.approx(10)
    found = told(mine, hasty=10.0)
    assert (found.timed, found.hasty, found.hasty_flagged) == (30, 10, True)
    assert not told(mine[8:], hasty=10.0).hasty_flagged
    assert hasty_below([row(1, "tie")]) is None


def test_numbers_all_alike() -> None:
    def rated(n, *points):
        sayings = [Label(str(i), "1", one, "ordinal") for i, one in enumerate(points)]
        return Row(n, n, 0, None, 0.0, (1,), "", sayings)

    rows = [rated(n, 3, 3, 3, 3) if n < 15 else rated(n, 3, 4, 3, 3) for n in range(24)]
    found = told([*rows, rated(30, 2, 2)])
    assert (found.flat, found.rows_of_numbers, found.flat_flagged) == (15, 24, True)


def test_words_that_come_again() -> None:
    rows = [
        row(1, "tie", text="x"),
        row(2, "tie", text="x"),
        row(3, "tie", text="y"),
        row(4, "tie"),
    ]
    found = told(rows, written={"x": 1, "y": 2})
    assert (found.texts, found.repeated, found.shared) == (3, 1, 1)
