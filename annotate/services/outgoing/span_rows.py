"""Marked spans out: Fine-Grained RLHF's feedback rows, and the labels that models are trained on.

A row is for one judgement and one response that it is about. The other outputs of a feedback row
are those of the imported row that the response came with, and its preference is what was kept of
that row (see `annotate/services/incoming/imported_contents.py`), or what the same form answer says.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from annotate.finegrained.labels import CATEGORIES
from annotate.finegrained.parts import flatten
from annotate.forms import Form
from annotate.interchange import fine_grained, trl
from annotate.interchange.fine_grained_rows import (
    FIRST,
    SECOND,
    TIE,
    Votes,
    by_completeness,
    spans_of,
    write_feedback,
    write_segments,
    write_tokens,
)
from annotate.interchange.preferences import Judged, PromptText
from annotate.kinds import form, spans
from annotate.kinds.span_settings import SpansSettings
from annotate.models import FormVersion, Project, Response
from annotate.services.incoming.imported_contents import NOT_FITTING
from annotate.services.outgoing.export_options import ALL_CATEGORIES
from annotate.services.outgoing.selection import Selection

AT_ONCE = 500
WITHOUT_PASSAGES = "C1"  # the authors leave the passages out of these rows


@dataclass(frozen=True)
class _Marked:
    """An answer of the kind `spans` within a judgement, and the responses it was asked about."""

    row: Judged
    value: Mapping[str, Any]
    response_ids: Sequence[int]


@dataclass(frozen=True)
class _Outputs:
    """A prompt's outputs in a file's order: ids and texts, and the labels that came with them."""

    ids: Sequence[int]
    texts: Sequence[str]
    labels: Sequence[Mapping[str, Any]] = ()


def holds_spans(project: Project) -> bool:
    """Whether the project asks for spans, alone or in its form."""
    return spans.NAME in Form.of_project(project).asked_kinds


def span_rows(
    selection: Selection, sort: str, category: str, metadata: bool = False
) -> Iterator[dict[str, Any]]:
    """`sort` is "feedback", "completeness", "segments" or "tokens"; `category` is for the last two.

    `metadata` adds to feedback rows the columns that their files brought along. Those of
    completeness have its preferences in place of people's, and there is none without any.

    Beside the selection's queries at most two for every 500 judgements, and one for the forms.
    """
    wanted = list(CATEGORIES) if category == ALL_CATEGORIES else [category]
    categories = SpanCategories(selection.project)
    judged = selection.judged(provenance=True, metadata=metadata)
    while batch := list(islice(judged, AT_ONCE)):
        marked = [one for row in batch for one in _marked(row)]
        texts = _texts(marked)
        outputs = _OutputsOf(marked) if sort in ("feedback", "completeness") else None
        for one in marked:
            value = flatten(one.value, texts)
            if outputs is not None:
                rows = _feedback_rows(one, value, outputs(one))
                if sort == "completeness":
                    rows = (found for found in map(by_completeness, rows) if found is not None)
                yield from rows
            else:
                known = categories(one.row)
                yield from _label_rows(one, value, known, wanted, tokens=sort == "tokens")


def _marked(row: Judged) -> Iterator[_Marked]:
    if "asked" not in row.value:
        yield _Marked(row, row.value, [response.id for response in row.responses])
        return
    for asked in row.value["asked"]:
        if asked["kind"] == spans.NAME:
            yield _Marked(row, row.value["answers"][asked["name"]], asked["responses"])


def _feedback_rows(
    one: _Marked, value: Mapping[str, Any], choices: Sequence[_Outputs]
) -> Iterator[dict[str, Any]]:
    row, prompt = one.row, one.row.prompt
    author = row.provenance["annotator"]
    said = [_votes(outputs, author) for outputs in choices]
    place = next((i for i, votes in enumerate(said) if votes), 0)
    outputs = choices[place]
    places = {pk: place for place, pk in reversed([*enumerate(outputs.ids)])}
    named = spans.renamed(value, places)
    votes = said[place] or _votes_of_form(row, places)
    more = {
        "id": prompt.external_id,
        "annotator": author,
        "language": prompt.language,
        **{name: entry for name, entry in prompt.metadata.items() if name != NOT_FITTING},
    }
    for pk in one.response_ids:
        yield write_feedback(
            question=_question(prompt),
            passages=prompt.passages,
            outputs=outputs.texts,
            value=named,
            marked=places[pk],
            votes=votes,
            more={name: entry for name, entry in more.items() if _may_stand(name, entry)},
        )


def _may_stand(name: str, entry: Any) -> bool:
    """Not empty, and no column that the format itself writes."""
    ours = name in ("id", "annotator", "language")
    return bool(entry) and (ours or name not in fine_grained.KNOWN)


def _label_rows(
    one: _Marked,
    value: Mapping[str, Any],
    categories: Mapping[str, str],
    wanted: Iterable[str],
    *,
    tokens: bool,
) -> Iterator[dict[str, Any]]:
    row, prompt = one.row, one.row.prompt
    texts = {response.id: response.text for response in row.responses}
    row_id = prompt.external_id or f"prompt/{prompt.id}"
    for pk in one.response_ids:
        found = spans_of(value, marked=pk, text=texts[pk], categories=categories)
        for category in wanted:
            segments = write_segments(text=texts[pk], spans=found, category=category)
            origin = {"category": category, "judgement": row.id, "response": pk}
            if not tokens:
                yield {"id": row_id, **segments, **origin}
                continue
            passages = () if category == WITHOUT_PASSAGES else prompt.passages
            written = write_tokens(
                row_id=row_id, question=_question(prompt), passages=passages, segments=segments
            )
            yield {**written, **origin}


def _question(prompt: PromptText) -> str:
    """The user's only turn, or all turns as a transcript."""
    if not prompt.system and len(prompt.conversation) == 1:
        return str(prompt.turns[0]["content"])
    return str(trl.write_plain(prompt.system, prompt.turns, "", "")["prompt"])


def _votes(outputs: _Outputs, author: str | None) -> Votes:
    """What the annotator said of the row's pairs."""
    votes = {}
    for label in outputs.labels:
        if label.get("annotator") == author:
            first, second = label["pair"]
            best = label.get("preferred")
            votes[first, second] = TIE if best is None else FIRST if best == first else SECOND
    return votes


def _votes_of_form(row: Judged, places: Mapping[int, int]) -> Votes:
    """What the form's other questions say of the same responses."""
    votes: dict[tuple[int, int], int] = {}
    if "asked" not in row.value:
        return votes
    for pair in form.pairs(row.value, [response.id for response in row.responses]):
        chosen, rejected = places.get(pair.chosen), places.get(pair.rejected)
        if chosen is not None and rejected is not None:
            said = TIE if pair.tie else FIRST if chosen < rejected else SECOND
            votes[min(chosen, rejected), max(chosen, rejected)] = said
    return votes


class SpanCategories:
    """The categories of a judgement's types of error, under the form that its author saw."""

    def __init__(self, project: Project) -> None:
        self._now = _categories(Form.of_project(project))
        rows = FormVersion.objects.filter(project=project)
        self._versions = {
            row.number: _categories(Form.read(row.kind, row.kind_settings)) for row in rows
        }

    def __call__(self, row: Judged) -> Mapping[str, str]:
        return self._versions.get(row.provenance["form_version"], self._now)


def _categories(asked: Form) -> dict[str, str]:
    settings = [asked.settings]
    if isinstance(asked.settings, form.FormSettings):
        settings = [question.settings for question in asked.settings.questions]
    return {
        kind.name: kind.category
        for one in settings
        if isinstance(one, SpansSettings)
        for kind in one.types
    }


class _OutputsOf:
    """The outputs that an answer's responses came with. One query."""

    def __init__(self, marked: Iterable[_Marked]) -> None:
        hashes = {
            digest
            for one in marked
            for entry in one.row.prompt.metadata.get(NOT_FITTING, ())
            for digest in entry["responses"]
        }
        rows = Response.objects.filter(
            prompt__in={one.row.prompt.id for one in marked}, content_hash__in=hashes
        )
        self._found: dict[tuple[int, str], list[Response]] = {}
        for row in rows.order_by("pk") if hashes else ():
            self._found.setdefault((row.prompt_id, row.content_hash), []).append(row)

    def __call__(self, one: _Marked) -> list[_Outputs]:
        """Those of each row that named all of them; the task's own without any."""
        responses = one.row.responses
        rows = one.row.prompt.metadata.get(NOT_FITTING, ())
        found = [self._outputs(one, entry) for entry in rows]
        return [
            outputs
            for outputs in found
            if outputs is not None and set(one.response_ids) <= set(outputs.ids)
        ] or [_Outputs([r.id for r in responses], [r.text for r in responses])]

    def _outputs(self, one: _Marked, entry: Mapping[str, Any]) -> _Outputs | None:
        chosen = []
        for digest in entry["responses"]:
            found = self._found.get((one.row.prompt.id, digest), [])
            mine = [response for response in found if response.pk in one.response_ids]
            chosen.extend((mine or found)[:1])
        if len(chosen) < len(entry["responses"]):
            return None
        labels = entry.get("labels", ())
        return _Outputs([r.pk for r in chosen], [r.text for r in chosen], labels)


def _texts(marked: Iterable[_Marked]) -> dict[int, list[Any]]:
    """The content of responses with marks behind their first part."""
    ids = {mark["response"] for one in marked for mark in one.value["marks"] if mark["part"]}
    return dict(Response.objects.filter(pk__in=ids).values_list("pk", "content")) if ids else {}
