"""Every figure of the pages of quality opens exactly the rows that it counts."""

import re
from html import unescape

import pytest
from django.urls import reverse

from annotate.models import Judgement, Review
from tests.annotate.judged_by_many import answer, computed, judged_project
from tests.annotate.kinds_at_work import CASES, judge

pytestmark = pytest.mark.django_db

LINK = re.compile(r'<a href="([^"]+)"(?: title="([^"]*)")?[^>]*>([^<]*)</a>')
WORDS = "one and the same reason, at length"


def text_of(client, address: str) -> str:
    page = client.get(address)
    assert page.status_code == 200, address
    return unescape(re.sub(r"\s+", " ", page.content.decode()))


def rows_behind(client, address: str) -> tuple[int, int]:
    """How many rows the list has on all its pages, and how many answers they hold."""
    rows = entries = 0
    base, query = address.split("?")
    while query is not None:
        page = text_of(client, f"{base}?{query}").partition("</thead>")[2]
        rows += page.count('<th scope="row">')
        entries += page.count("<li>")
        found = re.search(r'href="\?([^"]+)" rel="next"', page)
        query = found[1] if found else None
    return rows, entries


def number(text: str) -> int:
    return int(text.replace(",", ""))


def check_figures(client, project, voices: str) -> int:
    """Follow every figure of the report of `voices`; how many there were."""
    address = reverse("quality", args=[project.pk])
    page = text_of(client, f"{address}?voices={voices}")
    main = page[page.index("What was compared") :]
    cells = re.findall(r'<(?:td class="number"|dd)>(.*?)</t?d', main)
    bare = [cell for cell in cells if re.search(r"\d", cell) and "<a href" not in cell]
    assert bare == []
    checked = 0
    for row in re.findall(r"<tr>.*?</tr>|<dd>.*?</dd>", main):
        labels = False  # of a row of agreement the first whole number is items, the next labels
        for link, title, shown in LINK.findall(row):
            if "quality/" not in link:
                if shown.strip().isdigit():  # raters: rows of the table of people
                    all_people = text_of(client, f"{address}{link.partition('#')[0]}")
                    table = all_people[all_people.index('id="raters-heading"') :]
                    assert table.count('<th scope="row">') == number(shown), link
                    checked += 1
                continue
            rows, entries = rows_behind(client, link)
            hits = title.split(" of ")[0] if title else shown.strip()
            if hits.replace(",", "").isdigit():
                of_items = "/quality/items/" in link
                assert (entries if of_items and labels else rows) == number(hits), (link, row)
                labels = labels or of_items
            else:  # a share or a time: of rows that are there
                assert rows > 0, (link, row)
            checked += 1
    return checked


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    """With strata, languages, days, hidden items, known answers, words that come again."""
    project = judged_project(make_project, make_pair_tasks, make_user, add_member)
    ada, bob, _carl = project.people
    for place, task in enumerate(make_pair_tasks(project, 4)):
        task.stratum = "hard"
        ids = list(task.places.order_by("position").values_list("response_id", flat=True))
        task.gold = {"verdict": "prefer", "preferred": ids[0], "strength": 1} if place else None
        task.save(update_fields=["stratum", "gold"])
        answer(task, person=ada, side=0, rationale=WORDS, is_gold=place == 1)
        answer(task, person=bob, side=place % 2, rationale=WORDS.upper() if place else "short")
    project.prompts.filter(tasks__stratum="hard").update(language="de")
    return project


@pytest.mark.parametrize(("voices", "figures"), [("human", 58), ("judges", 9), ("simulated", 8)])
def test_every_figure_opens_the_rows_it_counts(project, client, voices, figures) -> None:
    computed(project)
    client.force_login(project.created_by)
    assert check_figures(client, project, voices) == figures


@pytest.mark.parametrize("kind", list(CASES))
def test_so_do_those_of_every_kind(kind, make_project, make_pair_tasks, make_user, client) -> None:
    case = CASES[kind]
    project = make_project(kind=kind, kind_settings=case.settings)
    both = [make_user("ada"), make_user("bob")]
    for task in make_pair_tasks(project, 3):
        judge(project, task, both, case)
    computed(project)
    client.force_login(project.created_by)
    assert check_figures(client, project, "human") >= 5
    page = text_of(client, reverse("quality_items", args=[project.pk]))
    assert page.count("<li>ada") == 3


def test_rows_stay_those_of_the_report_whatever_came_since(project, client) -> None:
    first = Judgement.objects.filter(project=project, annotator=project.people[0])[0]
    dismissed = Judgement.objects.filter(project=project, annotator=project.people[1])[1]
    computed(project)
    answer(first.task, person=project.people[0], verdict="tie", supersedes=first)
    Review.objects.create(
        project=project,
        task=dismissed.task,
        judgement=dismissed,
        reviewer=project.created_by,
        author=dismissed.annotator,
        decision="dismiss",
    )
    client.force_login(project.created_by)
    assert check_figures(client, project, "human") == 58
    page = text_of(client, reverse("quality", args=[project.pk]))
    [since] = re.findall(r'<a href="([^"]+new=1)">1</a> came since', page)
    assert rows_behind(client, since)[0] == 1
    [counted] = re.findall(r'from <a href="([^"]+)">48 judgements</a>', page)
    assert rows_behind(client, counted)[0] == 48


def test_lists_have_pages(project, client, monkeypatch) -> None:
    monkeypatch.setattr("annotate.reports.behind_figures.AT_A_TIME", 2)
    for name in ("answers", "items"):
        monkeypatch.setattr(f"annotate.reports.behind_figures.Behind.{name}.__defaults__", (0, 3))
    computed(project)
    client.force_login(project.created_by)
    assert check_figures(client, project, "human") == 58


def test_known_answers_that_do_not_fit_and_aided_answers_are_found(
    project, client, make_pair_tasks
) -> None:
    [task] = make_pair_tasks(project, 1)
    task.gold = {"preferred": "x"}
    task.save(update_fields=["gold"])
    answer(task, person=project.people[0], side=0)
    [aided] = make_pair_tasks(project, 1)
    ids = list(aided.places.order_by("position").values_list("response_id", flat=True))
    Judgement.objects.create(
        project=project,
        task=aided,
        kind="pairwise",
        value={"verdict": "tie", "suggestions": [{"id": 1}]},
        source="person",
        annotator=project.people[0],
        shown_order=ids,
    )
    computed(project)
    client.force_login(project.created_by)
    page = text_of(client, reverse("quality", args=[project.pk]))
    [link] = re.findall(r'<a href="([^"]+show=unreadable)">1 task</a>', page)
    assert rows_behind(client, link)[0] == 1
    [link] = re.findall(r'<a href="([^"]+habit=aided)">1 answer</a>', page)
    assert rows_behind(client, link)[0] == 1


def test_the_lists_name_nobody_who_has_not_answered_here(project, client, make_user) -> None:
    computed(project)
    client.force_login(project.created_by)
    address = reverse("quality_answers", args=[project.pk])
    elsewhere = make_user("zacharias")
    page = text_of(client, f"{address}?rater=user:{elsewhere.pk}")
    assert "zacharias" not in page
    assert f"answered by user:{elsewhere.pk}" in page
    page = text_of(client, f"{address}?rater=user:{project.people[0].pk}")
    assert f"answered by {project.people[0].username}" in page
    odd = "?voices=x&rater=user:9999999999999999999999999&since=x&first=x&habit=q&after=%C3%A4"
    for name in ("quality_answers", "quality_items"):
        assert client.get(reverse(name, args=[project.pk]) + odd).status_code == 200
        client.force_login(project.people[0])
        assert client.get(reverse(name, args=[project.pk])).status_code == 403
        client.force_login(project.created_by)
