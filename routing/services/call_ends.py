"""How a judge's calls ended, and what each cost: the second half of the books (ledger.py)."""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from itertools import groupby

from django.db import connection, transaction
from django.utils import timezone

from annotate.wording import in_two
from routing.judges.desk import EVERYTHING, NOTHING, Outcome
from routing.models import JudgeAccount, JudgeCall

DETAIL = 500  # characters
COLUMNS = {
    "state": "text",
    "failure": "text",
    "detail": "text",
    "told": "jsonb",
    "raw": "jsonb",
    "p_first": "float8",
    "value": "jsonb",
    "prompt_tokens": "int",
    "completion_tokens": "int",
    "cost": "numeric",
    "seconds": "float8",
    "finished_at": "timestamptz",
}
# One row a call, given as columns: as many calls as there are end in one statement.
WRITE_DOWN = f"""
UPDATE routing_judgecall AS call
SET {", ".join(f"{name} = said.{name}::{kind}" for name, kind in COLUMNS.items())}
FROM unnest(%s::bigint[], {", ".join("%s::text[]" for _ in COLUMNS)})
    AS said(id, {", ".join(COLUMNS)})
WHERE call.id = said.id
"""

logger = logging.getLogger(__name__)


def price(account: JudgeAccount, prompt_tokens: int, completion_tokens: int) -> Decimal:
    """Dollars, rounded up to the millionth."""
    exact = account.input_price * prompt_tokens + account.output_price * completion_tokens
    return (exact / 1_000_000).quantize(Decimal("0.000001"), ROUND_CEILING)


def end_calls(ended: Sequence[tuple[int, Outcome]]) -> None:
    """Write down how calls ended, once each; a second end changes nothing but says so in the log.

    One transaction for each account, under its lock.
    """
    outcomes = dict(ended)
    rows = JudgeCall.objects.filter(pk__in=outcomes).order_by("account_id", "pk")
    pairs = rows.values_list("account_id", "pk")
    for account_id, group in groupby(pairs, key=lambda pair: pair[0]):
        _end_of_account(account_id, {pk: outcomes[pk] for _, pk in group})


@transaction.atomic
def _end_of_account(account_id: int, outcomes: Mapping[int, Outcome]) -> None:
    now = timezone.now()
    account = JudgeAccount.objects.select_for_update().get(pk=account_id)
    asked = JudgeCall.objects.select_for_update().filter(pk__in=outcomes).order_by("pk")
    calls = asked.only("state", "reserved", "created_at")
    told = []
    for call in calls:
        if call.state != JudgeCall.State.ASKED:
            logger.warning("Call %s had been ended as %s before", call.pk, call.state)
            continue
        outcome = outcomes[call.pk]
        cost = _charge(account, call, outcome)
        account.reserved -= call.reserved
        account.spent += cost
        if outcome.failure == "rate_limited":
            waits = timedelta(seconds=outcome.retry_after or 1.0)
            account.blocked_until = max(account.blocked_until or now, now + waits)
        told.append((call.pk, *_row(outcome, cost, max(now, call.created_at))))
    if not told:
        return
    account.save(update_fields=["reserved", "spent", "blocked_until"])
    with connection.cursor() as cursor:
        cursor.execute(WRITE_DOWN, [list(column) for column in zip(*told, strict=True)])


def _row(outcome: Outcome, cost: Decimal, finished_at: datetime) -> list[str | None]:
    """What COLUMNS hold, as text that PostgreSQL reads."""
    said, told = in_two(outcome.detail)
    state = JudgeCall.State.FAILED if outcome.failure else JudgeCall.State.ANSWERED
    fields: dict[str, object] = {
        "state": state.value,
        "failure": outcome.failure,
        "detail": said[:DETAIL],
        "told": _json(told),
        "raw": json.dumps(outcome.raw),
        "p_first": outcome.p_first,
        "value": _json(outcome.value),
        "prompt_tokens": outcome.prompt_tokens,
        "completion_tokens": outcome.completion_tokens,
        "cost": cost,
        "seconds": outcome.seconds,
        "finished_at": finished_at.isoformat(),
    }
    return [None if fields[name] is None else str(fields[name]) for name in COLUMNS]


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value)


def _charge(account: JudgeAccount, call: JudgeCall, outcome: Outcome) -> Decimal:
    if outcome.charge == NOTHING:
        return Decimal(0)
    tokens = outcome.prompt_tokens, outcome.completion_tokens
    if outcome.charge == EVERYTHING or tokens[0] is None or tokens[1] is None:
        return call.reserved
    return price(account, tokens[0], tokens[1])
