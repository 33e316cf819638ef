"""What importing in the browser refuses is told in the reader's language, where it is chosen."""

import gzip
import html

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from annotate.models import (
    ImportRowError,
    ImportRun,
)
from annotate.services.incoming import pending_uploads
from annotate.services.incoming.import_runs import run_import
from tests.annotate.media import making
from tests.annotate.pages.imports.sending import PAIRS, confirm, send

GERMAN = {"accept-language": "de"}
BAD_ROWS = (
    '{"prompt": "Q", "chosen": "same", "rejected": "same"}\n'
    '{"prompt": "Q", "chosen": 3, "rejected": "b"}\n'
    '{"chosen": "a", "rejected": "b"\n'
)


def test_what_is_wrong_is_told_in_the_readers_language(client, project) -> None:
    said = [
        "chosen und rejected sind gleich, es gibt also nichts vorzuziehen.",
        "Erwartet wird ein Text; hier steht: eine Zahl.",
        "Kein JSON: ein ',' wird erwartet, in Spalte 32.",
    ]
    confirm(client, send(client, project, PAIRS + BAD_ROWS))
    run = ImportRun.objects.get()
    run_import(run.pk)
    address = reverse("import_run", args=[run.pk])
    shown = send_again(client, project, PAIRS + BAD_ROWS)
    kept = html.unescape(client.get(address, headers=GERMAN).content.decode())
    for text in (shown, kept):
        assert [one in text for one in said] == [True] * 3
        assert "Leave the row out" not in text
    assert "0 Aufgaben für Menschen, 3 Labels behalten." in kept
    plain = client.get(reverse("api_import_run", args=[run.pk]), headers=GERMAN).json()
    assert plain["message"].startswith("0 tasks for people, 3 labels kept. So nobody is asked")
    rows = client.get(reverse("import_bad_rows", args=[run.pk]), headers=GERMAN).getvalue()
    assert b"Expected a text, got a number." in rows


def send_again(client, project, text: str) -> str:
    """The preview in German."""
    sent = client.post(
        reverse("imports", args=[project.pk]),
        {"file": SimpleUploadedFile("pairs.jsonl", text.encode())},
    )
    return html.unescape(client.get(sent.url, headers=GERMAN).content.decode())


def test_rows_that_an_earlier_version_refused_still_say_why(client, project) -> None:
    run = ImportRun.objects.create(
        project=project,
        file_name="a",
        stored_as="a",
        format="trl",
        state="done",
        message="3 tasks for people, 0 labels kept.",
    )
    ImportRowError.objects.create(import_run=run, line=1, message="The prompt is empty.")
    page = client.get(reverse("import_run", args=[run.pk]), headers=GERMAN).content.decode()
    assert "The prompt is empty." in page
    assert "3 tasks for people, 0 labels kept." in page


def test_why_a_whole_file_is_refused_in_the_readers_language(client, project) -> None:
    page = send_again(client, project, '[{"prompt": "Q", "chosen": "a", "rejected": "b"}, {')
    assert "Das JSON-Array ist am Ende der Datei (Zeile 1) nicht geschlossen." in page
    unknown = send_again(client, project, '{"never": 1}\n')
    assert "Kein Format hat die Felder never; die Datei wird deshalb als Tabelle" in unknown
    empty = client.post(
        reverse("imports", args=[project.pk]),
        {"file": SimpleUploadedFile("a.jsonl", b" ")},
        headers=GERMAN,
        follow=True,
    )
    assert "nur Leerraum" in empty.content.decode()


DRAWN = making.picture()


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (DRAWN, "cat.png", "no text but binary"),
        (gzip.compress(DRAWN), "cat.jsonl.gz", "no text but binary"),
        (DRAWN, "cat.csv", "no text but binary"),
        (b"PK\x03\x04" + bytes(range(200)), "rows.csv", "a zip archive"),
        ("{}".encode("utf-16"), "rows.jsonl", "UTF-16"),
        (b"\x1f\x8b\x08broken", "rows.jsonl.gz", "gzip data is damaged"),
        (bytes(range(128, 256)) * 2, "rows.csv", "no text in UTF-8"),
        ("Ответ;Вопрос\n".encode("cp1251"), "rows.csv", "no text in UTF-8"),
        (b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n", "rows.csv", "a PDF document"),
        (b"\x00\x01\x02", "rows.jsonl", "no text but binary"),
        (b"PAR1" + bytes(range(40)), "rows.parquet", "The Parquet file cannot be read"),
    ],
)
def test_a_file_that_is_no_text_is_refused_where_it_is_chosen(
    client, project, data, name, said
) -> None:
    page = send(client, project, data, name)
    assert page.status_code == 422
    assert said in page.content.decode()
    assert not [*pending_uploads._folder().glob("*")]


def test_a_few_control_characters_make_no_binary_file(client, project) -> None:
    page = send(client, project, PAIRS + '{"prompt": "a\x00b", "chosen": "c", "rejected": "d"}\n')
    [error] = page.context["preview"].errors
    assert "NUL" in error.message
