"""Leaderboards from rows: which votes count, how they are read, what is published."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotate.inputs import InvalidValue
from annotate.models import (
    AuditEvent,
    Board,
    BoardRun,
    JobState,
    Judge,
    Judgement,
    Membership,
    Response,
    Team,
)
from annotate.services.reports import board_votes, boards
from annotate.services.reports.board_rules import BoardRules
from annotate.services.reports.board_votes import gather
from tests.annotate.voting import add_task, converse, judge, prefer, vote

pytestmark = pytest.mark.django_db


def sums(found) -> dict[str, int]:
    return {**found.counts, **found.left_out}


def test_current_votes_of_the_sources_asked_for_are_counted(
    make_project, make_user, add_member
) -> None:
    project, ada, ben = make_project(), make_user("ada"), make_user("ben")
    add_member(project, ada)
    add_member(project, ben, "reviewer")
    task, other = add_task(project, "a", "b"), add_task(project, "a", "b")
    first = prefer(task, 0, annotator=ada)
    prefer(task, 1, annotator=ada, supersedes=first)
    prefer(task, 0, annotator=ben)
    prefer(task, 0, annotator=make_user("sim", is_simulated=True), simulated=True)
    llm = Judge.objects.create(project=project, name="j", version=1, kind="llm")
    prefer(task, 0, source="judge", judge=llm)
    prefer(task, 0, source="imported", imported_author="x")
    prefer(other, 0, source="imported")
    judge(other, {"verdict": "both_bad"}, annotator=ada)

    def votes(**rules) -> tuple[int, int]:
        counts = gather(project=project, rules=BoardRules(**rules)).counts
        return counts.get("votes", 0), counts["authors"]

    assert votes() == (2, 2)
    assert votes(simulated="include") == (3, 3)
    assert votes(simulated="only") == (1, 1)
    assert votes(source="judges") == (1, 1)
    assert votes(source="imported") == (2, 2)
    assert votes(source="all") == (5, 5)
    assert votes(group="annotators") == (1, 1)
    assert votes(group="reviewers") == (1, 1)
    team = Team.objects.create(project=project, name="Experts")
    project.memberships.filter(user=ada).update(team=team)
    assert votes(team="experts") == (1, 1)
    assert votes(team="experts", group="reviewers") == (0, 0)
    assert votes(team="experts", source="all") == (1, 1)
    with pytest.raises(InvalidValue, match="Known: Experts"):
        boards.start_board(project=project, actor=ada, rules=BoardRules(team="Crowd"))
    assert "team" not in BoardRules().as_dict()
    assert BoardRules.of_stored(BoardRules(team="Experts").as_dict()).team == "Experts"
    found = gather(project=project, rules=BoardRules())
    assert found.counts["all_bad"] == 1
    assert found.gathered.models == ["b", "a"], "the answer that was changed counts as changed"
    assert found.sha256 == gather(project=project, rules=BoardRules()).sha256
    Response.objects.filter(generator="a").update(generator="z")
    assert found.sha256 != gather(project=project, rules=BoardRules()).sha256, "another model"
    Response.objects.filter(generator="z").update(generator="a")
    assert found.sha256 == gather(project=project, rules=BoardRules()).sha256
    prefer(other, 1, annotator=ben)
    assert found.sha256 != gather(project=project, rules=BoardRules()).sha256


def test_what_names_no_model_or_one_twice_is_left_out_and_told(make_project, make_user) -> None:
    project, ada = make_project(), make_user("ada")
    prefer(add_task(project, "a", ""), 0, annotator=ada)
    prefer(add_task(project, "a", "a"), 0, annotator=ada)
    one = add_task(project, "a")
    judge(one, {"marks": []}, kind="spans", annotator=ada)
    judge(one, {"verdict": "tie"}, source="imported")
    ids = [str(number) for number in range(10)]
    many = add_task(project, *ids)
    judge(many, {"verdict": "best_worst", "best": many.ids[0], "worst": many.ids[1]},
          kind="ranking", annotator=ada)  # fmt: skip
    found = gather(project=project, rules=BoardRules())
    assert found.left_out == {"unnamed_model": 1, "same_model": 1, "worst_of_many": 1}
    assert list(found.gathered.columns) == [((1, 9), 1)]
    every = gather(project=project, rules=BoardRules(source="all"))
    assert every.left_out["compares_nothing"] == 1


@pytest.mark.parametrize(
    ("by", "wanted"),
    [("language", {"de", "en"}), ("taxonomy", {"code"}), ("metadata:level", {"hard", "3"}),
     ("criterion", {"true"}), ("", set())],
)  # fmt: skip
def test_categories_are_of_the_prompt_or_the_criterion(make_project, make_user, by, wanted) -> None:
    project, ada = make_project(), make_user("ada")
    one = add_task(project, "a", "b", language="de", metadata={"level": "hard"})
    two = add_task(project, "a", "b", language="en", taxonomy="code", metadata={"level": 3})
    prefer(one, 0, annotator=ada)
    value = {"verdict": "tie", "criteria": {"true": {"verdict": "tie"}}}
    judge(two, value, annotator=ada)
    found = gather(project=project, rules=BoardRules(by=by))
    assert set(found.gathered.categories) == wanted
    ballots = sum(len(columns.author) for columns in found.gathered.columns.values())
    assert ballots == (3 if by == "criterion" else 2)
    assert found.counts["votes"] == 2


def test_conversations_count_for_the_models_behind_their_letters(make_project, make_user) -> None:
    project, ada = make_project(kind="chat"), make_user("ada")
    task = add_task(project)
    session = converse(task, ada, "Slow", "Fast")
    final = {"final": {"preference": {"verdict": "prefer", "preferred": "A"}}}
    judge(task, {"session": session.pk, "points": 5, **final}, kind="chat", annotator=ada)
    found = gather(project=project, rules=BoardRules())
    assert found.gathered.models == ["Slow", "Fast"]
    assert found.left_out == {}


def test_reading_costs_the_same_queries_however_many_votes(
    make_project, make_user, monkeypatch
) -> None:
    project = make_project()
    people = [make_user(f"p{number}") for number in range(3)]
    for _ in range(4):
        task = add_task(project, "a", "b")
        for person in people:
            prefer(task, 0, annotator=person)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        found = gather(project=project, rules=BoardRules(style=("length",)))
    assert len(asked) == 10, [one["sql"] for one in asked]
    assert found.gathered.style_RF[0].tolist() == [1, 0, 0, 0, 0]
    monkeypatch.setattr("annotate.services.outgoing.selection.BATCH", 5)
    again = gather(project=project, rules=BoardRules(style=("length",)))
    assert (again.sha256, sums(again)) == (found.sha256, sums(found))


@pytest.fixture
def voted(make_project, make_user):
    """A project in which three people preferred a to b to c."""
    project = make_project()
    vote(project, [make_user(f"p{number}") for number in range(3)])
    return project


def done(project, **rules) -> BoardRun:
    run = boards.start_board(
        project=project, actor=project.created_by, rules=BoardRules.clean(rules)
    )
    boards.compute_board(run.pk)
    return BoardRun.objects.get(pk=run.pk)


def test_a_board_is_computed_by_the_worker_and_published_once(voted) -> None:
    run = done(voted)
    assert (run.state, run.message) == (JobState.DONE, "27 votes counted")
    rows = run.result["boards"][""]["plain"]["rows"]
    assert [run.result["models"][row["model"]] for row in rows] == ["a", "b", "c"]
    assert run.result["intervals"] == "people"
    board = boards.publish_board(run=run, actor=voted.created_by, note="First.")
    assert (board.number, board.sha256, board.result) == (1, run.sha256, run.result)
    with pytest.raises(InvalidValue, match="leaderboard 1"):
        boards.publish_board(run=done(voted), actor=voted.created_by)
    boards.publish_board(run=done(voted, ties="halves"), actor=voted.created_by)
    assert list(Board.objects.values_list("number", flat=True)) == [1, 2]
    actions = AuditEvent.objects.filter(project=voted).values_list("action", flat=True)
    assert list(actions).count("board.published") == 2


def test_one_person_alone_gets_intervals_over_prompts(voted) -> None:
    Membership.objects.create(
        project=voted, user=Judgement.objects.first().annotator, role="annotator"
    )
    run = done(voted, group="annotators")
    assert run.result["counts"]["authors"] == 1
    assert run.result["intervals"] == "prompts"
    assert run.result["boards"][""]["plain"]["rows"][0]["low"] is not None


def test_nothing_is_published_that_is_not_done_or_counts_nothing(make_project) -> None:
    project = make_project()
    owner = project.created_by
    waiting = boards.start_board(project=project, actor=owner, rules=BoardRules())
    assert boards.start_board(project=project, actor=owner, rules=BoardRules()) == waiting
    with pytest.raises(InvalidValue, match="not done"):
        boards.publish_board(run=waiting, actor=owner)
    boards.compute_board(waiting.pk)
    with pytest.raises(InvalidValue, match="no vote"):
        boards.publish_board(run=waiting, actor=owner)


def test_too_many_models_are_refused_with_the_remedy(voted, monkeypatch) -> None:
    monkeypatch.setattr(board_votes, "MOST_MODELS", 2)
    run = done(voted)
    assert run.state == JobState.FAILED
    assert "at most 2" in run.message


def test_a_fit_that_does_not_settle_fails_and_says_so(voted, monkeypatch) -> None:
    monkeypatch.setattr("annotate.quality.newton.STEPS", 0)
    run = done(voted)
    assert (run.state, run.result) == (JobState.FAILED, None)
    assert "did not settle" in run.message


def test_a_run_stops_when_asked_to(voted, monkeypatch) -> None:
    owner = voted.created_by
    run = boards.start_board(project=voted, actor=owner, rules=BoardRules())

    def gather_while_somebody_cancels(**given):
        boards.cancel_board(run=BoardRun.objects.get(pk=run.pk), actor=owner)
        return gather(**given)

    monkeypatch.setattr(boards, "gather", gather_while_somebody_cancels)
    boards.compute_board(run.pk)
    run.refresh_from_db()
    assert (run.state, run.result) == (JobState.CANCELLED, None)


def test_a_board_where_all_was_bad_is_not_published(make_project, make_user, add_member) -> None:
    project, ada = make_project(), make_user("ada")
    add_member(project, ada)
    judge(add_task(project, "a", "b"), {"verdict": "both_bad"}, annotator=ada)
    run = done(project)
    assert run.result["models"] == ["a", "b"]
    with pytest.raises(InvalidValue, match="counted no vote"):
        boards.publish_board(run=run, actor=project.created_by)


def test_old_computations_are_removed_and_published_boards_stay(voted, monkeypatch) -> None:
    monkeypatch.setattr(boards, "KEPT_RUNS", 1)
    boards.publish_board(run=done(voted), actor=voted.created_by)
    for ties in ("halves", "davidson", "halves"):
        done(voted, ties=ties)
    assert BoardRun.objects.count() == 2
    assert Board.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [({"source": "x"}, "source"), ({"style": ["length", "x"]}, "style.1"), ({"style": 3}, "style"),
     ({"by": "metadata:"}, "by"), ({"by": "x"}, "by"), ({"by": 3}, "by"), ({"most": 0}, "most"),
     ({"most": "3"}, "most"), ({"else": 1}, "else"), ({"ties": None}, "ties")],
)  # fmt: skip
def test_wrong_rules_are_refused_at_their_field(given, field) -> None:
    with pytest.raises(InvalidValue) as refused:
        BoardRules.clean(given)
    assert refused.value.field == field


def test_rules_are_kept_and_read_again() -> None:
    rules = BoardRules.clean({"by": "metadata:a b", "style": ["position", "length"], "most": 9})
    assert BoardRules.of_stored(rules.as_dict()) == rules
    assert rules.metadata_key == "a b"
    assert rules.style == ("length", "position")
