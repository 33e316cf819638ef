"""Many rows at once: ids from the table's own sequence, contents by COPY.

Constraints and triggers hold as for any other write. The caller owns the transaction. Rows are
written as text by hand because psycopg's adaptation of single values took most of the time.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

from django.db import connection, models

NULL = "\\N"
BLOCK_LINES = 256  # sent while the next ones are formatted


def reserve_ids(model: type[models.Model], count: int) -> Sequence[int]:
    """That many fresh primary keys, ascending. Unused ones leave gaps, nothing else."""
    if not count:
        return []
    with connection.cursor() as cursor:
        cursor.execute(RESERVE, [model._meta.db_table, count])
        first, last, between = cursor.fetchone()
    return between or range(first, last + 1)


# The ids themselves come over the wire only where somebody else took some in between. They were
# drawn ascending. The sequence's name is a sub-select to be looked up once, not for every id.
RESERVE = """
SELECT min(id), max(id), CASE WHEN max(id) - min(id) >= count(*) THEN array_agg(id) END
FROM (SELECT nextval((SELECT pg_get_serial_sequence(%s, 'id')::regclass)) AS id
      FROM generate_series(1, %s)) taken
"""


def copy_rows(model: type[models.Model], columns: Sequence[str], lines: Iterable[str]) -> None:
    """COPY lines of PostgreSQL's text format, made by `line`, into the model's table.

    Raises django.db.IntegrityError when a row breaks a constraint, and then writes none.
    """
    with Copies() as copies:
        copies.add(model, columns, lines)


class Copies:
    """`copy_rows` one after another, none of which is waited for before the next.

    So the caller computes while the database takes the last one in. Until `settle`, which every
    other use of the connection needs, or the end of the block, whatever it raises is outstanding.
    """

    def __init__(self) -> None:
        self._under_way = ExitStack()

    def __enter__(self) -> "Copies":
        return self

    def __exit__(self, *raised: Any) -> None:
        self._under_way.__exit__(*raised)

    def settle(self) -> None:
        """Wait for the last one. Raises django.db.IntegrityError when a row breaks a constraint."""
        self._under_way.close()

    def add(self, model: type[models.Model], columns: Sequence[str], lines: Iterable[str]) -> None:
        self.settle()
        lines = iter(lines)
        block = list(islice(lines, BLOCK_LINES))
        if not block:
            return
        table = connection.ops.quote_name(model._meta.db_table)
        names = ", ".join([connection.ops.quote_name(name) for name in columns])
        enter = self._under_way.enter_context
        cursor = enter(connection.cursor())
        enter(connection.wrap_database_errors)
        copy = enter(cursor.copy(f"COPY {table} ({names}) FROM STDIN"))
        copy.writer.flush_threshold = 0  # nothing may stay with us until the end
        while block:
            copy.write("".join(block))
            block = list(islice(lines, BLOCK_LINES))


def line(*values: object) -> str:
    """One row. Texts must have gone through `escape` where they may hold \\, tab or line end."""
    return "\t".join(map(str, values)) + "\n"


def escape(text: str) -> str:
    """A text as COPY's text format wants it."""
    if not text or text.isalnum():
        return text
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def escape_json(text: str) -> str:
    """As `escape`, for JSON, in which every control character is already an escape."""
    return text.replace("\\", "\\\\")


def text_array(texts: Sequence[str]) -> str:
    """A list of texts as COPY's text format wants it."""
    if not texts:
        return "{}"
    quoted = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
    return escape("{" + ",".join([f'"{text}"' for text in quoted]) + "}")


def commit_without_waiting() -> None:
    """Let this transaction's commit return before it is on disk, as the next one's will be.

    A crash may take it back as a whole, and then also all that this session committed after it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")


def lock_imports(project_id: int) -> None:
    """Let one writer at a time add content to a project; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('tandem.import'), %s)", [project_id])
