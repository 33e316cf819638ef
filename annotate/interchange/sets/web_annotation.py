"""Marked spans as annotations of the W3C's Web Annotation Data Model, each a JSON-LD object.

Texts have no addresses, so responses are named by URN. A mark is told twice: by its place and by
its words with those around them. Places count code points from 0, the end exclusive, as the model
wants it, and as ours do.
Source: W3C Recommendation "Web Annotation Data Model" (2017), sections 3.3.5 (motivation),
4.2.4 (text quote) and 4.2.5 (text position).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from annotate.interchange.asked_answers import answers_of
from annotate.interchange.formats import ExportFormat, Rows
from annotate.interchange.preferences import Judged, ResponseText
from annotate.kinds import spans
from annotate.wording import translatable

CONTEXT = "http://www.w3.org/ns/anno.jsonld"
URN = "urn:x-tandem"
AROUND = 32  # code points before and after a quote
NO_ERROR = "no_error"

Body = dict[str, Any]


def write(row: Judged) -> Rows:
    places = count(1)
    for value, asked in answers_of(row, spans.NAME):
        for motivation, bodies, target in _told(row, value, asked):
            yield {
                "@context": CONTEXT,
                "id": f"{URN}:judgement:{row.id}:{next(places)}",
                "type": "Annotation",
                "motivation": motivation,
                "creator": _creator(row),
                "created": row.provenance["submitted_at"].replace("+00:00", "Z"),
                "body": bodies,
                "target": target,
            }


def _told(
    row: Judged, value: Mapping[str, Any], asked: Sequence[int]
) -> Iterator[tuple[str, list[Body], dict[str, Any]]]:
    """Motivation, bodies and target of all that an answer says: marks, then what is missing, then
    corrections; or that there is no error."""
    responses = {response.id: response for response in row.responses}
    for mark in value["marks"]:
        response = responses[mark["response"]]
        source, text = _part(response, mark["part"])
        bodies = [_text(mark["type"], "classifying")]
        for name, purpose in (
            ("severity", "assessing"),
            ("note", "commenting"),
            ("replacement", "editing"),
        ):
            if name in mark:
                bodies.append(_text(mark[name], purpose))
        bodies += _evidence(row, mark.get("evidence"), source, text)
        yield "classifying", bodies, _place(source, text, mark["start"], mark["end"])
    for item in value["missing"]:
        bodies = [_text(item["type"], "classifying"), *_evidence(row, item.get("evidence"), "", "")]
        yield "classifying", bodies, {"source": _urn(item["response"])}
    for pk, text in value["corrected"].items():
        yield "editing", [_text(text, "editing")], {"source": _urn(pk)}
    if value["no_error"]:
        for pk in asked:
            yield "assessing", [_text(NO_ERROR, "assessing")], {"source": _urn(pk)}


def _text(value: str, purpose: str) -> Body:
    return {"type": "TextualBody", "purpose": purpose, "format": "text/plain", "value": value}


def _evidence(
    row: Judged, evidence: Mapping[str, Any] | None, source: str, text: str
) -> Iterator[Body]:
    """Earlier words of the same text, or a body for each sentence of a passage."""
    if evidence is None:
        return
    if "start" in evidence:
        yield _linked(_place(source, text, evidence["start"], evidence["end"]))
        return
    number = evidence["passage"]
    passage = row.prompt.passages[number - 1]
    named = f"{URN}:prompt:{row.prompt.id}:passage:{number}"
    for sentence in evidence["sentences"]:
        words = passage["sentences"][sentence - 1] if sentence else passage["title"]
        quote = {"type": "TextQuoteSelector", "exact": words}
        yield _linked({"source": f"{named}:sentence:{sentence}", "selector": [quote]})


def _linked(place: Mapping[str, Any]) -> Body:
    return {"type": "SpecificResource", "purpose": "linking", **place}


def _urn(response: int | str) -> str:
    return f"{URN}:response:{response}"


def _part(response: ResponseText, number: int) -> tuple[str, str]:
    """The name of a part and its text; of a response that is one text, the response itself."""
    if response.content is None:
        return _urn(response.id), response.text
    return f"{_urn(response.id)}:part:{number}", str(response.content[number].get("text", ""))


def _place(source: str, text: str, start: int, end: int) -> dict[str, Any]:
    return {
        "source": source,
        "selector": [
            {"type": "TextPositionSelector", "start": start, "end": end},
            {
                "type": "TextQuoteSelector",
                "exact": text[start:end],
                "prefix": text[max(0, start - AROUND) : start],
                "suffix": text[end : end + AROUND],
            },
        ],
    }


def _creator(row: Judged) -> dict[str, str]:
    if row.provenance["judge"]:
        return {"type": "Software", "name": row.provenance["judge"]}
    return {"type": "Person", "nickname": row.provenance["annotator"] or ""}


WEB_ANNOTATION = ExportFormat(
    "web_annotation",
    translatable("W3C Web Annotations of marked spans"),
    {
        **{"@context": "text", "id": "text", "type": "text", "motivation": "text"},
        **{"creator": "json", "created": "text", "body": "json", "target": "json"},
    },
    write_judged=write,
    kinds=frozenset({spans.NAME}),
)
