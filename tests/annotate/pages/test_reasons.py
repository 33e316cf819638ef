"""Why values, rows and media files are refused and what jobs say, in every language: each reason
is in the catalogues.

The sources are read by Python's own parser, so that this does not rest on what Babel found there.
"""

import ast
import json
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.utils import translation

from annotate.inputs import InvalidValue, clean_number
from annotate.interchange.registry import FORMATS as FORMATS_OF_ROWS
from annotate.kinds import KINDS
from annotate.media.checks import FORMATS, BadMedia
from annotate.media.checks.source import Truncated
from annotate.pages.reasons import in_words
from annotate.services import jobs
from annotate.wording import Counted, Grouped, Refusal, Sentence, Told
from config.translations import ENGLISH, ROOT, languages, read_catalogue

# What others say, passed on, and what a job keeps.
PASSED_ON = {
    "routing/judges/openai.py": 1,  # a kind of failure, marked in desk.py
    "routing/judges/asking/contract.py": 1,  # a refused value of an answer
    "routing/words/dry_run.py": 1,  # reports without words for it
    "annotate/inputs.py": 2,  # one of several marked texts; the same reason at another field
    "annotate/interchange/formats.py": 1,  # what its subclasses are called with
    "annotate/interchange/records.py": 1,  # what a RowProblem is called with
    "annotate/interchange/streams.py": 1,  # what a FatalProblem is called with
    "annotate/interchange/registry.py": 1,  # one of three marked texts
    "annotate/interchange/rows.py": 1,  # what Python's JSON decoder says, marked
    "annotate/media/checks/inspection.py": 4,  # a marked text for each kind of media; a format’s
    "annotate/wording.py": 2,  # one that was kept as JSON, or apart from its error
    "annotate/media/checks/types.py": 1,  # a marked text for each foreign kind of file
    "routing/words/reasons.py": 3,  # a code of its own messages; a judge's text; one from before
    "training/evaluation/figure_words.py": 1,  # one of its marked names
    "training/judge.py": 3,  # what a process said that knows nothing of the catalogues
    "training/services/runs.py": 1,  # what a child says of its phase, marked there
    "training/recipes/config.py": 1,  # what was wanted, marked where it is required
    "training/services/configs.py": 1,
    "training/services/preference_words.py": 1,  # why a judge failed, marked there
    "training/services/preparation.py": 1,
}
# Which argument is the reason.
REASON_AT = {
    **{"InvalidValue": 1, "TooManyTries": 1, "RowProblem": 2, "require": 2},
    **dict.fromkeys(
        (
            "InvalidAnswer",
            "TooSlow",
            "Refusal",
            "Told",
            "BadMedia",
            "FatalProblem",
            "CutShort",
            "UnknownFormat",
        ),
        0,
    ),
    **dict.fromkeys(("BadBatch", "JudgeError", "NothingToGoOn", "TooFewRows"), 0),
    **dict.fromkeys(("NoModel", "NotEstimable"), 0),
    **dict.fromkeys(("BatchTooLargeError", "OutOfMemoryError"), 0),
    **dict.fromkeys(("NonFiniteLossError", "NonFiniteStatesError"), 0),
}


@dataclass(frozen=True)
class Reason:
    """A call of one of REASON_AT; `text` is None where it is no literal."""

    place: str
    file: str
    text: str | None
    values: frozenset[str]
    spread: bool


def reasons() -> Iterator[Reason]:
    for folder in ("annotate", "routing", "training"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            file = path.relative_to(ROOT).as_posix()
            if file.startswith(ENGLISH):
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                called = name_of(node.func) if isinstance(node, ast.Call) else ""
                if called in REASON_AT and not is_of_a_row(node):
                    yield read(file, node, REASON_AT[called])


def is_of_a_row(call: ast.Call) -> bool:
    """fields.require(row, name), which is of files, not of configurations."""
    return getattr(getattr(call.func, "value", None), "id", "") == "fields"


def name_of(called: ast.expr) -> str:
    return getattr(called, "id", "") or getattr(called, "attr", "")


def read(file: str, call: ast.Call, at: int) -> Reason:
    text = call.args[at].value if isinstance(call.args[at], ast.Constant) else None
    return Reason(
        place=f"{file}:{call.lineno}",
        file=file,
        text=text,
        values=frozenset(keyword.arg for keyword in call.keywords if keyword.arg),
        spread=any(keyword.arg is None for keyword in call.keywords),
    )


def names_in(text: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name}


REASONS = list(reasons())


def test_every_kind_is_among_them():
    assert len(REASONS) > 200
    files = {reason.file for reason in REASONS}
    for kind in KINDS:
        assert f"annotate/kinds/{kind}.py" in files
    assert {"annotate/inputs.py", "annotate/services/work/judgements.py"} <= files
    for format in FORMATS_OF_ROWS.values():
        assert format.parse.__module__.replace(".", "/") + ".py" in files
    assert {"annotate/interchange/streams.py", "annotate/services/incoming/import_runs.py"} <= files
    measuring = {format.measure.__module__.replace(".", "/") + ".py" for format in FORMATS}
    assert len(measuring) > 8
    assert measuring <= files


def test_each_is_a_literal():
    """A text put together at run time is in no catalogue: give the values by name instead."""
    composed = [reason for reason in REASONS if reason.text is None]
    found = {file: sum(one.file == file for one in composed) for file in PASSED_ON}
    assert found == PASSED_ON
    assert len(composed) == sum(found.values()), [reason.place for reason in composed]


@pytest.mark.parametrize("language", languages())
def test_each_is_translated(language):
    catalogue = read_catalogue(language)
    for reason in REASONS:
        if reason.text is not None:
            known = catalogue.get(reason.text)
            assert known is not None, reason
            assert known.string, reason
            assert not known.fuzzy, reason
            assert names_in(known.string) == names_in(reason.text), reason


def test_each_gets_the_values_that_it_names():
    for reason in REASONS:
        if reason.text is None or reason.spread:
            continue
        if reason.values:
            assert names_in(reason.text) == reason.values, reason
        else:  # Not filled in: it may hold JSON.
            assert not any(name.isidentifier() for name in names_in(reason.text)), reason


def test_counts_have_their_form():
    for count, english, german in ((1, "1 minute", "1 Minute"), (2, "2 minutes", "2 Minuten")):
        wait = Counted("{count} minute", "{count} minutes", count)
        said = Told("this was tried too often; wait {time}", time=wait)
        for one in (said, Told.from_dict(json.loads(json.dumps(said.as_dict())))):
            assert one.message == f"this was tried too often; wait {english}"
            with translation.override("de"):
                assert in_words(one).endswith(f"warten Sie {german}")


def test_values_in_their_places():
    error = InvalidValue("a.b", "has {count} labels; at most {most} fit", count="{most}", most=3)
    assert str(error) == "a.b: has {most} labels; at most 3 fit"
    with translation.override("de"):
        assert in_words(error) == "hat {most} Labels; höchstens 3 passen"
    assert in_words(error.at("c")) == error.message


def test_fractions_as_the_reader_writes_them():
    with pytest.raises(InvalidValue) as refused:
        clean_number("x", 7, low=0.5, high=1.0)
    assert refused.value.message == "must be a number from 0.5 to 1"
    with translation.override("de"):
        assert in_words(refused.value) == "muss eine Zahl von 0,5 bis 1 sein"


def test_a_refusal_within_another():
    inner = InvalidValue("kind", "must be one of: {choices}", choices="a, b")
    outer = InvalidValue("json", "{place}: {why}", place=inner.field, why=inner)
    assert outer.message == "kind: must be one of: a, b"
    with translation.override("de"):
        assert in_words(outer) == "kind: muss eines davon sein: a, b"


def test_a_media_file_within_a_refusal():
    outer = InvalidValue("file", "{name!r} {error}", name="a.png", error=Truncated(12_345))
    assert outer.message == (
        "'a.png' is cut off: it ends at byte 12345, in the middle of its data. Send it whole."
    )
    with translation.override("de"):
        assert in_words(outer) == (
            "'a.png' ist abgeschnitten: Die Datei endet bei Byte 12345, mitten in ihren Daten. "
            "Senden Sie sie ganz."
        )


def test_thousands_as_the_reader_writes_them():
    reason = "has {size} bytes; audio may have at most {most}. Make it smaller."
    error = BadMedia(reason, size=Grouped(2_000_001), most=Grouped(300_000))
    assert str(error) == "has 2,000,001 bytes; audio may have at most 300,000. Make it smaller."
    with translation.override("de"):
        assert in_words(error) == (
            "hat 2.000.001 Bytes; Ton darf höchstens 300.000 haben. Verkleinern Sie die Datei."
        )


def test_braces_without_values_stay():
    error = InvalidValue("x", 'must be a JSON object, such as {"temperature": 0.7}')
    assert error.message.endswith('{"temperature": 0.7}')
    with translation.override("de"):
        assert in_words(error) == 'muss ein JSON-Objekt sein, etwa {"temperature": 0.7}'


def test_a_refusal_kept_as_json_is_told_as_before():
    inner = InvalidValue("kind", "must be one of: {choices}", choices="a, b")
    outer = InvalidValue("json", "{place}: {why}", place=inner.field, why=inner)
    kept = Refusal.from_dict(json.loads(json.dumps(outer.as_dict())))
    assert kept.message == outer.message
    with translation.override("de"):
        assert in_words(kept) == in_words(outer) == "kind: muss eines davon sein: a, b"
    odd = InvalidValue("x", "must be one of: {choices}", choices=Path("y"))
    assert odd.as_dict() == {"reason": odd.reason, "values": {"choices": "y"}}


def test_a_sentence_of_a_refusal_in_every_language_and_kept():
    inner = InvalidValue("size", "has {size} bytes; at most {most} fit", size=Grouped(2000), most=9)
    sentence = Sentence(inner)
    assert sentence.message == "Has 2,000 bytes; at most 9 fit."
    kept = Told.from_dict(json.loads(json.dumps(sentence.as_dict())))
    with translation.override("de"):
        assert in_words(kept) == in_words(sentence) == "Hat 2.000 Bytes; höchstens 9 passen."


def test_what_is_kept_of_an_error_keeps_none_of_its_frames():
    try:
        raise InvalidValue("x", "must be one of: {choices}", choices=Told("a list"))
    except InvalidValue as error:
        kept = error.apart()
    assert not isinstance(kept, BaseException)
    assert kept.message == "must be one of: a list"


def test_a_job_forgets_the_words_of_its_last_message():
    said = Told("{count} lines read", count=Grouped(12_345))
    assert jobs.message_columns(said) == {"message": "12,345 lines read", "told": said.as_dict()}
    assert jobs.message_columns("plain") == {"message": "plain", "told": None}
