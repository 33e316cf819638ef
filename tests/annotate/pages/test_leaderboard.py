"""The leaderboard's pages: who sees what, what it links to, what is refused."""

import csv
import json

import pytest
from django.urls import reverse

from annotate.models import Board, BoardRun, Project
from annotate.services.reports import boards
from annotate.services.reports.board_rules import BoardRules
from tests.annotate.voting import add_task, judge, vote


@pytest.fixture
def project(make_project, make_user, add_member, client):
    project = make_project(name="Answers")
    project.people = [make_user(f"p{number}") for number in range(3)]
    vote(project, project.people, tasks=8, language="de")
    vote(project, project.people[:2], tasks=1, language="cs")
    judge(add_task(project, "a", "<b>"), {"verdict": "both_bad"}, annotator=project.people[0])
    client.force_login(project.created_by)
    return project


def computed(project, **rules) -> BoardRun:
    run = boards.start_board(
        project=project, actor=project.created_by, rules=BoardRules.clean(rules)
    )
    boards.compute_board(run.pk)
    return BoardRun.objects.get(pk=run.pk)


@pytest.fixture
def board(project) -> Board:
    run = computed(project, by="language")
    return boards.publish_board(run=run, actor=project.created_by, note="The <first>.")


def test_without_a_board_the_page_says_how_to_get_one(client, project) -> None:
    page = client.get(reverse("leaderboard", args=[project.pk])).content.decode()
    assert "No leaderboard is published yet" in page
    assert reverse("compute_board", args=[project.pk]) in page


def test_a_board_of_one_team(client, project) -> None:
    page = reverse("leaderboard", args=[project.pk])
    assert 'name="team"' not in client.get(page).content.decode()
    project.teams.create(name="Experts")
    assert "all teams" in client.get(page).content.decode()
    url = reverse("compute_board", args=[project.pk])
    assert client.post(url, {"team": "Crowd"}).status_code == 422
    assert not BoardRun.objects.exists()
    answer = client.post(url, {"team": "Experts"})
    assert BoardRun.objects.get().rules["team"] == "Experts"
    boards.compute_board(BoardRun.objects.get().pk)
    assert "Experts" in client.get(answer.url).content.decode()


def test_a_manager_computes_looks_and_publishes(client, project) -> None:
    form = {"source": "people", "simulated": "exclude", "by": "metadata", "key": "level",
            "style": ["length", "position"], "ties": "halves", "most": "5", "intervals": "auto",
            "group": "all"}  # fmt: skip
    answer = client.post(reverse("compute_board", args=[project.pk]), form)
    run = BoardRun.objects.get()
    assert answer.url == reverse("board_run", args=[run.pk])
    rules = BoardRules.of_stored(run.rules)
    assert (rules.by, rules.style, rules.most) == ("metadata:level", ("length", "position"), 5)
    waiting = client.get(answer.url, headers={"HX-Request": "true"}).content.decode()
    assert "every 1s" in waiting
    refused = client.post(reverse("publish_board", args=[run.pk]))
    assert refused.status_code == 422
    assert "is not done" in refused.content.decode()
    boards.compute_board(run.pk)
    page = client.get(answer.url).content.decode()
    assert "every 1s" not in page
    assert "Possible ranks" in page
    answer = client.post(reverse("publish_board", args=[run.pk]), {"note": "New."}, follow=True)
    assert "Leaderboard 1 is published" in answer.content.decode()


@pytest.mark.parametrize(
    ("given", "field"),
    [({"source": "x"}, "source"), ({"by": "metadata"}, "key"), ({"most": "0"}, "most"),
     ({"style": ["x"]}, "style")],
)  # fmt: skip
def test_wrong_rules_are_told_at_their_field(client, project, given, field) -> None:
    answer = client.post(reverse("compute_board", args=[project.pk]), given)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not BoardRun.objects.exists()


def test_the_board_shows_ratings_pairs_style_and_what_was_counted(client, project, board) -> None:
    url = reverse("leaderboard", args=[project.pk])
    answer = client.get(url)
    page = answer.content.decode()
    found = answer.context["standing"]
    assert [row["name"] for row in found.rows] == ["a", "b", "c"]
    assert sum(row["rating"] for row in found.rows) == pytest.approx(3000)
    assert found.rows[0]["from"] < found.rows[0]["rating"] < found.rows[0]["to"]
    assert found.rows[0]["win_share"] == pytest.approx((2 * 7 * 3) / (2 * 8 * 3 + 4))
    assert "The &lt;first&gt;." in page
    assert f"{reverse('board_votes', args=[board.pk])}?first=0&amp;second=1" in page
    of_german = client.get(url, {"category": "de", "style": "1"}).context["standing"]
    assert of_german.styled
    assert [row["votes"] for row in of_german.rows] == [48, 48, 48]
    assert {one["words"] for one in of_german.effects} >= {"Longer", "Shown first"}
    assert client.get(url, {"category": "tlh"}).context["standing"].category == ""
    assert client.get(url, {"board": "9"}).status_code == 404


def test_every_figure_leads_to_its_votes(client, project, board) -> None:
    url = reverse("board_votes", args=[board.pk])
    between = client.get(url, {"first": 0, "second": 1, "category": "de"}).context["votes"]
    assert {one.order for one in between} == {"a > b", "b > a"}
    assert len(between) == 24
    of_one = client.get(url, {"first": 0})
    assert len(of_one.context["votes"]) == 50
    rest = client.get(f"{url}?{of_one.context['next_page']}")
    votes = of_one.context["votes"] + rest.context["votes"]
    assert len({one.judgement.pk for one in votes}) == len(votes) == 48 + 4 + 1
    assert [one.is_bad for one in votes].count(True) == 1
    assert client.get(url, {"first": 77}).status_code == 404
    assert client.get(url).status_code == 404
    later = add_task(project, "a", "b", language="de")
    vote(project, project.people, tasks=1, language="de")
    again = client.get(url, {"first": 0, "second": 1, "category": "de"}).context["votes"]
    assert len(again) == 24, f"what came after the board is not in it (task {later.pk})"


def test_boards_are_told_apart_by_their_rules(client, project, board) -> None:
    computed(project, style=["length", "position"], intervals="prompts")
    publish = computed(project, source="human", style=[])
    boards.publish_board(run=publish, actor=project.created_by)
    page = client.get(reverse("leaderboard", args=[project.pk])).content.decode()
    assert page.count("· Categories: language of the prompt") == 2  # the run, and its board
    assert "Intervals: prompts · Style that a second board takes out: Longer, Shown first" in page
    assert page.count("Style that a second board takes out: –") == 2
    assert "Style that a second board takes out</dt><dd>–" in page


def test_downloads_hold_all_numbers(client, project, board) -> None:
    table = client.get(reverse("download_board", args=[board.pk, "csv"])).content.decode()
    rows = list(csv.DictReader(table.splitlines()))
    assert {(row["category"], row["style"]) for row in rows} == {
        (name, variant) for name in ("", "de") for variant in ("plain", "style")
    }
    even = board.result["boards"][""]["length"]["rows"]
    rates = {board.result["models"][one["model"]]: one["rate"] for one in even}
    assert {
        row["model"]: float(row["length_controlled_rate"]) for row in rows if not row["category"]
    } == rates
    page = client.get(reverse("leaderboard", args=[board.project_id])).content.decode()
    assert "Won, lengths equal" in page
    body = json.loads(client.get(reverse("download_board", args=[board.pk, "json"])).content)
    assert body["sha256"] == board.sha256
    assert body["boards"] == board.result["boards"]
    assert client.get(reverse("download_board", args=[board.pk, "xml"])).status_code == 404


def test_a_name_that_a_spreadsheet_would_run_is_made_text(project, client) -> None:
    vote_of = add_task(project, "=1+1", "a")
    judge(vote_of, {"verdict": "tie"}, annotator=project.people[0])
    board = boards.publish_board(run=computed(project), actor=project.created_by)
    table = client.get(reverse("download_board", args=[board.pk, "csv"])).content.decode()
    assert ",'=1+1," in table


@pytest.mark.parametrize("readers", Project.BoardReaders.values)
@pytest.mark.parametrize("role", ["manager", "reviewer", "annotator"])
def test_who_reads_is_the_projects_choice(
    client, project, board, make_user, add_member, readers, role
) -> None:
    Project.objects.filter(pk=project.pk).update(board_readers=readers)
    someone = make_user("someone")
    add_member(project, someone, role)
    client.force_login(someone)
    allowed = {"managers": ("manager",), "reviewers": ("manager", "reviewer")}.get(
        readers, ("manager", "reviewer", "annotator")
    )
    wanted = 200 if role in allowed else 403
    page = client.get(reverse("leaderboard", args=[project.pk]))
    assert page.status_code == wanted
    csv_url = reverse("download_board", args=[board.pk, "csv"])
    assert client.get(csv_url).status_code == wanted
    votes = client.get(reverse("board_votes", args=[board.pk]), {"first": 0})
    assert votes.status_code == (wanted if role != "annotator" else 403)
    assert client.post(reverse("compute_board", args=[project.pk]), {}).status_code == (
        302 if role == "manager" else 403
    )
    home = client.get(reverse("home")).content.decode()
    link = reverse("leaderboard", args=[project.pk])
    assert (link in home) is (role == "annotator" and readers == "members")
    if wanted == 200:
        overview = f'href="{reverse("overview", args=[project.pk])}"'
        assert (overview in page.content.decode()) is (role != "annotator")


def test_strangers_see_nothing(client, project, board, make_user) -> None:
    client.force_login(make_user("stranger"))
    for name, pk in (("leaderboard", project.pk), ("board_votes", board.pk)):
        assert client.get(reverse(name, args=[pk])).status_code == 404


def test_a_page_of_votes_reads_a_bounded_number(client, project, board, monkeypatch) -> None:
    monkeypatch.setattr("annotate.reports.board_votes.WINDOW", 5)
    monkeypatch.setattr("annotate.reports.board_votes.WINDOWS", 2)
    url = reverse("board_votes", args=[board.pk])
    seen, query = set(), "first=0&second=2&category=de"
    for _ in range(20):
        answer = client.get(f"{url}?{query}")
        assert len(answer.context["votes"]) <= 10
        seen |= {one.judgement.pk for one in answer.context["votes"]}
        query = answer.context["next_page"]
        if query is None:
            break
    assert len(seen) == 24
