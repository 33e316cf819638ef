"""The votes behind a leaderboard's figures."""

import pytest

from annotate.reports.board_votes import votes_between
from annotate.services.reports.board_rules import BoardRules
from annotate.services.reports.board_votes import gather
from tests.annotate.voting import add_task, converse, judge

pytestmark = pytest.mark.django_db


def test_a_form_s_conversation_is_listed_beside_responses_of_other_models(
    make_project, make_user
) -> None:
    project, ada = make_project(kind="form"), make_user("ada")
    task = add_task(project, "a", "b")
    session = converse(task, ada, "Slow", "Fast")
    talk = {"session": session.pk, "points": 5,
            "final": {"preference": {"verdict": "prefer", "preferred": "A"}}}  # fmt: skip
    pair = {"verdict": "prefer", "preferred": task.ids[1], "strength": 1}
    asked = [
        {"name": "talk", "kind": "chat", "responses": []},
        {"name": "pair", "kind": "pairwise", "responses": task.ids},
    ]
    form = {"asked": asked, "answers": {"talk": talk, "pair": pair}}
    said = judge(task, form, kind="form", annotator=ada)
    rules = BoardRules(by="criterion")
    found = gather(project=project, rules=rules)

    def listed(*models: str) -> list[tuple[int, str | None]]:
        of = {"project": project, "rules": rules, "last_id": found.last_judgement}
        votes, _ = votes_between(**of, models=models)
        return [(one.judgement.pk, one.winner) for one in votes]

    assert listed("Slow", "Fast") == [(said.pk, "Slow")]
    assert listed("a", "Slow") == []
    category = votes_between(
        project=project, rules=rules, last_id=found.last_judgement, models=("a", "b"),
        category="pair",
    )  # fmt: skip
    assert [one.winner for one in category[0]] == ["b"]
