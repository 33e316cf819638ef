"""Who may be asked about a row's tasks, and which part of the project they belong to.

    {"stratum": "medicine", "skills": ["cardiology"], "authors": ["p-1f2e3d4c5b"]}

`skills` and `authors` are lists of texts, or one text with commas. An author is named by pseudonym
or user name; who is no user here is passed over.
"""

from typing import Any, TypedDict

from annotate.interchange import fields
from annotate.interchange.records import RowProblem

COLUMNS = frozenset({"stratum", "skills", "authors"})
MAX_STRATUM_CHARS = 100
MAX_SKILL_CHARS = 40
MOST_NAMES = 50


class Asked(TypedDict, total=False):
    stratum: str
    skills: tuple[str, ...]
    authors: tuple[str, ...]


def asked_of(row: dict[str, Any]) -> Asked:
    """Fields of an ImportedItem; none where the row has none of the columns."""
    if row.keys().isdisjoint(COLUMNS):  # what nearly every row is
        return {}
    skills = names(row.get("skills"), "skills", MAX_SKILL_CHARS)
    return {
        "stratum": fields.name_of(row, "stratum", MAX_STRATUM_CHARS),
        "skills": tuple(sorted({" ".join(skill.casefold().split()) for skill in skills})),
        "authors": names(row.get("authors"), "authors", fields.MAX_NAME_CHARS),
    }


def names(value: Any, field: str, max_chars: int) -> tuple[str, ...]:
    """Each once, in the order in which they came."""
    if value is None or value == "":
        return ()
    given = value.split(",") if isinstance(value, str) else fields.listed(value, field)
    if len(given) > MOST_NAMES:
        raise RowProblem(
            field, value, "Got {count} entries. Give at most {most}.",
            count=len(given), most=MOST_NAMES,
        )  # fmt: skip
    found = []
    for place, name in enumerate(given):
        if not isinstance(name, str) or not 0 < len(name.strip()) <= max_chars:
            raise RowProblem(
                f"{field}[{place}]",
                name,
                "Expected a text of 1 to {most} characters, got {kind}.",
                most=max_chars,
                kind=fields.kind_of(name),
            )
        found.append(name.strip())
    return tuple(dict.fromkeys(found))
