"""The examples of the import page: files that a project of their kind takes as they stand."""

import io

import pytest
from django.urls import reverse

from annotate.interchange.formats import ReadOptions
from annotate.interchange.records import RowError
from annotate.interchange.registry import detect_format, read
from annotate.kinds import KINDS
from annotate.pages.import_examples import ANY, examples_for
from annotate.reports.import_preview import columns, guess_mapping
from annotate.services.incoming.imports import fit_of
from tests.annotate.kinds_at_work import FORM

SETTINGS = {"form": FORM}


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_is_recognised_and_fits(make_project, kind) -> None:
    project = make_project(kind=kind, kind_settings=SETTINGS.get(kind, {}))
    fit = fit_of(project)
    for example in examples_for(kind):
        data = example.text.encode()
        assert detect_format(data) == example.format
        mapping = guess_mapping(columns(io.BytesIO(data))) if example.format == "table" else {}
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


def test_pairs_and_forms_show_every_format() -> None:
    assert examples_for("pairwise") == examples_for("form") == ANY
