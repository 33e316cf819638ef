"""Lists by pages: where they begin and what leads on."""

import re

import pytest
from django.test import RequestFactory

from annotate.models import AuditEvent
from annotate.pages.paging import number_in, page_links


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("7", 7), ("007", 7), ("", None), ("-1", None), ("1.5", None), ("x", None)),
        *(("٣", None), ("²", None), ("9" * 18, 10**18 - 1), ("9" * 19, None)),
    ],
)
def test_numbers_of_an_address(text, number):
    assert number_in(RequestFactory().get("/", {"before": text}), "before") == number


def test_links_keep_the_filters():
    first, later = RequestFactory().get("/"), RequestFactory().get("/", {"before": "9"})
    assert page_links(first, None) == {"first_page": None, "next_page": None}
    assert page_links(first, 5, {"show": "done"})["next_page"] == "show=done&before=5"
    assert page_links(later, None, {"name": "a&b"})["first_page"] == "name=a%26b"
    assert page_links(later, 5) == {"first_page": "", "next_page": "before=5"}


def test_the_audit_is_walked_from_page_to_page(client, make_project, make_user):
    ada = make_user("ada")
    project = make_project(ada)
    AuditEvent.objects.bulk_create(
        AuditEvent(project=project, action=f"test.{number}") for number in range(205)
    )
    client.force_login(ada)
    seen, query = [], ""
    for _ in range(3):
        html = client.get(f"/projects/{project.pk}/audit/{query}").content.decode()
        seen += re.findall(r"title=\"test\.(\d+)", html)
        assert ("Newest" in html) == bool(query)
        link = re.search(r'href="(\?before=\d+)"', html)
        query = link[1] if link else ""
    assert seen == [str(number) for number in reversed(range(205))]
    assert query == ""


def test_a_page_that_begins_nowhere_is_the_first(client, make_project, make_user):
    ada = make_user("ada")
    project = make_project(ada)
    client.force_login(ada)
    for place in ("audit", "tasks", "media", "settings/versions"):
        for odd in ("x", "0", "9" * 18, "9" * 30):
            answer = client.get(f"/projects/{project.pk}/{place}/", {"before": odd})
            assert answer.status_code == 200, (place, odd)
