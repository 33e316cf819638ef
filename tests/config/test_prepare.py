"""What `python -m config.prepare` says while it works."""

import itertools

from django.core.management.base import OutputWrapper

from config import prepare


def test_migrations_are_counted_now_and_then(monkeypatch, capsys):
    clock = itertools.count(step=2)
    monkeypatch.setattr(prepare.time, "monotonic", lambda: next(clock))
    out = OutputWrapper(prepare.Applied(6))
    out.write("Running migrations:")
    for number in range(6):
        out.write(f"  Applying annotate.000{number}_x...", ending="")
        out.write(" OK")
    assert capsys.readouterr().out.splitlines() == [
        "… 1 of 6 migrations (6 s)",
        "… 2 of 6 migrations (12 s)",
        "… 4 of 6 migrations (18 s)",
        "… 5 of 6 migrations (24 s)",
    ]
