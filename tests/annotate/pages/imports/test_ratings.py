"""Before an import: which ratings become answers, by which criterion, and which do not."""

import html
import json

from annotate.models import ImportRun
from annotate.services.incoming.import_runs import run_import
from tests.annotate.pages.imports.sending import confirm, send

ROW = {"prompt": "1 + 1?", "response": "2", "helpfulness": 3, "verbosity": 1}
SETTINGS = {"criteria": [{"name": "helpful", "title": "Of use"}, {"name": "short"}]}


def test_ratings_are_told_and_mapped_in_the_browser(make_project, client) -> None:
    project = make_project(kind="rating", kind_settings=SETTINGS)
    client.force_login(project.created_by)
    page = send(client, project, json.dumps(ROW))
    text = html.unescape(page.content.decode())
    assert "Answers by the criterion helpful" in text
    assert "Metadata: no criterion is called so" in text
    found = page.context["preview"]
    assert found.criteria == [("helpful", "Of use", "helpfulness"), ("short", "short", "")]
    chosen = {"column-rating.helpful": "", "column-rating.short": "verbosity"}
    key = {"file": page.context["key"], "format": "helpsteer", "previewed": "helpsteer"}
    again = client.get(page.request["PATH_INFO"], {**key, **chosen})
    shown = {use.name: (use.answers, use.metadata) for use in again.context["preview"].ratings}
    assert shown == {"helpfulness": (0, 1), "verbosity": (1, 0)}
    confirm(client, page, **chosen)
    run_import(ImportRun.objects.get().pk)
    [judgement] = project.judgements.all()
    assert list(judgement.value["ratings"].values()) == [{"short": 2}]


def test_where_none_is_asked_all_stay_metadata(make_project, client) -> None:
    project = make_project(kind="spans")
    client.force_login(project.created_by)
    page = send(client, project, json.dumps(ROW))
    found = page.context["preview"]
    assert (found.labelled, found.criteria) == (0, [])
    assert page.content.decode().count("Metadata: the project asks no ratings") == 2
