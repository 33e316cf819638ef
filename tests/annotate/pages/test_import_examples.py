"""The examples of the import page: files that a project of their kind takes as they stand."""

import io

import pytest
from django.urls import reverse

from annotate.forms import Form
from annotate.interchange.formats import ReadOptions
from annotate.interchange.records import RowError
from annotate.interchange.registry import detect_format, read
from annotate.interchange.streams import Limits
from annotate.interchange.table_columns import columns_of_table
from annotate.kinds import KINDS
from annotate.pages.import_examples import ANY, BY_KIND, examples_for
from annotate.reports.import_preview import guess_mapping
from annotate.services.incoming.imports import fit_of
from tests.annotate.kinds_at_work import FORM

SETTINGS = {"form": FORM}


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_is_recognised_and_fits(make_project, kind) -> None:
    project = make_project(kind=kind, kind_settings=SETTINGS.get(kind, {}))
    fit = fit_of(project)
    examples = examples_for(Form.of_project(project).asked_kinds, fit)
    assert examples == BY_KIND.get(kind, examples)
    assert examples
    for example in examples:
        data = example.text.encode()
        assert detect_format(data) == example.format
        columns = columns_of_table(io.BytesIO(data), Limits())
        mapping = guess_mapping(columns) if example.format == "table" else {}
        [item] = read(io.BytesIO(data), example.format, ReadOptions(mapping=mapping), fit=fit)
        assert not isinstance(item, RowError), item
        assert item.tasks or kind in ("pairwise", "form")


def test_the_page_shows_those_of_the_projects_kind(client, make_project) -> None:
    project = make_project(kind="similarity")
    client.force_login(project.created_by)
    text = client.get(reverse("imports", args=[project.pk])).content.decode()
    assert "&quot;anchor&quot;: 0" in text
    assert "&quot;chosen&quot;" not in text
    assert "answer_a" not in text


def test_a_form_shows_those_of_its_questions_that_fit_all_of_them(make_project) -> None:
    project = make_project(kind="form", kind_settings=FORM)
    kinds = Form.of_project(project).asked_kinds
    assert kinds > {"pairwise"}
    assert set(examples_for(kinds, fit_of(project))) == set(ANY)
    ranked = {"questions": [{"name": "order", "kind": "ranking"}]}
    project = make_project(kind="form", kind_settings=ranked)
    assert examples_for({"ranking"}, fit_of(project)) == BY_KIND["ranking"]
