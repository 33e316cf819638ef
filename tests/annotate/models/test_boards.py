"""Published leaderboards stay as they are."""

import pytest
from django.db import DatabaseError, transaction

from annotate.models import Board

pytestmark = pytest.mark.django_db


def test_a_published_board_never_changes(make_project) -> None:
    project = make_project()
    made = {
        "project": project,
        "number": 1,
        "rules": {},
        "result": {},
        "last_judgement": 0,
        "sha256": "0" * 64,
        "created_by": project.created_by,
    }
    board = Board.objects.create(**made)
    for change in (lambda: Board.objects.update(note="else"), board.delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    with pytest.raises(DatabaseError, match="board_number_unique"), transaction.atomic():
        Board.objects.create(**made)
