"""The books of judges that make calls: money, rates, and what is known already.

A call costs two transactions. `begin` writes the intent and reserves the most that the call can
cost, under the lock of the judge's account; `end` writes what came and charges for it. No
transaction is open while the call is under way.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Min, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from annotate.models import Judge
from annotate.wording import Told, in_two
from routing.judges import JudgeError, Question, Verdict
from routing.judges.desk import EVERYTHING, NOTHING, Answered, Key, Outcome, Pause
from routing.judges.length import COEFFICIENT
from routing.models import JudgeAccount, JudgeCall, JudgeRun
from routing.services.events import tell_limit_reached

MINUTE = timedelta(seconds=60)
ABANDONED_AFTER = timedelta(minutes=15)  # longer than any call may take
BUSY_ELSEWHERE = 2.0  # seconds between two looks at a call that somebody else makes
LEAST_PAUSE = 0.05
FINAL = ("refused", "interrupted")

logger = logging.getLogger(__name__)


def fingerprint_of(judge: Judge, template: str = "") -> str:
    """SHA-256 of what is asked of whom: kind, config, template. What is made of the answer then
    (length taken out) is no part of it, so that no call is paid again for it.
    """
    config = {name: value for name, value in judge.config.items() if name != COEFFICIENT}
    parts = [judge.kind, config, template]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def account_of(judge: Judge) -> JudgeAccount:
    """The account of all versions of the judge; made with nothing to spend where there is none."""
    return JudgeAccount.objects.get_or_create(project_id=judge.project_id, name=judge.name)[0]


def price(account: JudgeAccount, prompt_tokens: int, completion_tokens: int) -> Decimal:
    """Dollars, rounded up to the millionth."""
    exact = account.input_price * prompt_tokens + account.output_price * completion_tokens
    return (exact / 1_000_000).quantize(Decimal("0.000001"), ROUND_CEILING)


class LimitReached(JudgeError):
    """The judge's money is spent."""


class Ledger:
    """The desk (routing/judges/desk.py) of one judge in one run."""

    def __init__(self, judge: Judge, *, run: JudgeRun | None = None, may_call: bool = True) -> None:
        self.judge = judge
        self.run = run
        self.may_call = may_call
        account = account_of(judge)
        self.account_id = account.pk
        self.concurrency = account.concurrency
        self.attempts = account.attempts
        self.patience = float(account.patience)
        self.retry_failed = run is not None and run.retry_failed
        self.private_hosts = settings.CHAT_PRIVATE_HOSTS

    def secret(self, key_name: str, base_url: str) -> str:
        if not key_name:
            return ""
        key = settings.CHAT_KEYS.get(key_name)
        if key is None or not key.opens(base_url):
            raise JudgeError(
                "The server has no key {key} for {address}.", key=key_name, address=base_url
            )
        return str(key.secret)

    def known(self, task_ids: Collection[int], template: str) -> Mapping[Key, Outcome]:
        """Answers; and failures that are not tried again unless the run says so."""
        found: dict[Key, list[JudgeCall]] = {}
        fingerprint = fingerprint_of(self.judge, template)
        rows = JudgeCall.objects.filter(task__in=list(task_ids), fingerprint=fingerprint)
        for call in rows.order_by("attempt"):
            found.setdefault(_key(call), []).append(call)
        outcomes = {}
        for key, calls in found.items():
            last = calls[-1]
            if last.state == "answered" or (last.state == "failed" and self._is_final(calls)):
                outcomes[key] = _outcome(last)
        return outcomes

    def _is_final(self, calls: Sequence[JudgeCall]) -> bool:
        if self.retry_failed:
            return False
        tried = sum(call.failure != "rate_limited" for call in calls)
        return calls[-1].failure in FINAL or tried >= self.attempts

    def begin(self, key: Key, *, prompt_tokens: int, completion_tokens: int, template: str) -> int:
        try:
            return self._begin(
                key,
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
                template=template,
            )
        except LimitReached:
            tell_limit_reached(self.account_id)
            raise

    def _begin(self, key: Key, *, prompt_tokens: int, completion_tokens: int, template: str) -> int:
        most_tokens = prompt_tokens + completion_tokens
        with transaction.atomic():
            account = JudgeAccount.objects.select_for_update().get(pk=self.account_id)
            same = JudgeCall.objects.filter(
                task=key.task_id,
                fingerprint=fingerprint_of(self.judge, template),
                shown_order=list(key.shown),
                sample=key.sample,
            )
            last = same.order_by("-attempt").first()
            if last is not None and last.state == "answered":
                raise Answered(_outcome(last))
            if last is not None and last.state == "asked":
                raise Pause(BUSY_ELSEWHERE)
            _check_pace(account, most_tokens)
            most = price(account, prompt_tokens, completion_tokens)
            _check_money(account, most)
            call = JudgeCall.objects.create(
                judge=self.judge,
                task_id=key.task_id,
                run=self.run,
                account=account,
                fingerprint=fingerprint_of(self.judge, template),
                shown_order=list(key.shown),
                sample=key.sample,
                attempt=last.attempt + 1 if last else 1,
                template=template,
                state=JudgeCall.State.ASKED,
                most_tokens=most_tokens,
                reserved=most,
            )
            account.reserved += most
            account.save(update_fields=["reserved"])
        return call.pk

    def end(self, call_id: int, outcome: Outcome) -> None:
        end_call(call_id, outcome)

    def consult(
        self, judge_id: int, items: Sequence[Question], should_stop: Callable[[], bool]
    ) -> Iterator[Verdict]:
        from routing.services.judging import verdicts

        other = Judge.objects.filter(pk=judge_id, project=self.judge.project_id).first()
        if other is None:
            raise JudgeError("There is no judge {judge} in this project.", judge=judge_id)
        yield from verdicts(other, items, should_stop, run=self.run, may_call=self.may_call)


def _check_money(account: JudgeAccount, most: Decimal) -> None:
    if account.spent + account.reserved + most > account.spending_limit:
        raise LimitReached(
            "The spending limit is reached: {spent} $ of {limit} $ are spent, {reserved} $ "
            "reserved, and the next call can cost {most} $. Raise the limit of {name!r} to go on.",
            spent=f"{account.spent:.2f}",
            limit=f"{account.spending_limit:.2f}",
            reserved=f"{account.reserved:.4f}",
            most=f"{most:.4f}",
            name=account.name,
        )


def _check_pace(account: JudgeAccount, tokens: int) -> None:
    """Raises Pause. One call may always begin in an empty minute: its tokens are a bound."""
    now = timezone.now()
    if account.blocked_until and account.blocked_until > now:
        raise Pause((account.blocked_until - now).total_seconds())
    if account.requests_per_minute is None and account.tokens_per_minute is None:
        return
    counted = Coalesce(F("prompt_tokens") + F("completion_tokens"), F("most_tokens"))
    lately = JudgeCall.objects.filter(account=account, created_at__gt=now - MINUTE).aggregate(
        calls=Count("*"), tokens=Sum(counted), first=Min("created_at")
    )
    if not lately["calls"]:
        return
    many = account.requests_per_minute is not None
    many = many and lately["calls"] >= account.requests_per_minute
    much = account.tokens_per_minute is not None
    much = much and lately["tokens"] + tokens > account.tokens_per_minute
    if many or much:
        first: datetime = lately["first"]
        raise Pause(max(LEAST_PAUSE, (first + MINUTE - now).total_seconds()))


def end_call(call_id: int, outcome: Outcome) -> None:
    """Write down how a call ended, once; a second end changes nothing but says so in the log."""
    now = timezone.now()
    with transaction.atomic():
        account_id = JudgeCall.objects.values_list("account_id", flat=True).get(pk=call_id)
        account = JudgeAccount.objects.select_for_update().get(pk=account_id)
        call = JudgeCall.objects.select_for_update().get(pk=call_id)
        if call.state != JudgeCall.State.ASKED:
            logger.warning("Call %s had been ended as %s before", call_id, call.state)
            return
        account.reserved -= call.reserved
        call.cost = _charge(account, call, outcome)
        account.spent += call.cost
        if outcome.failure == "rate_limited":
            waits = timedelta(seconds=outcome.retry_after or 1.0)
            account.blocked_until = max(account.blocked_until or now, now + waits)
        account.save(update_fields=["reserved", "spent", "blocked_until"])
        call.state = JudgeCall.State.FAILED if outcome.failure else JudgeCall.State.ANSWERED
        call.finished_at = max(now, call.created_at)
        for name in ("failure", "raw", "p_first", "value", "seconds"):
            setattr(call, name, getattr(outcome, name))
        said, call.told = in_two(outcome.detail)
        call.detail = said[:500]
        call.prompt_tokens = outcome.prompt_tokens
        call.completion_tokens = outcome.completion_tokens
        call.save()


def _charge(account: JudgeAccount, call: JudgeCall, outcome: Outcome) -> Decimal:
    if outcome.charge == NOTHING:
        return Decimal(0)
    tokens = outcome.prompt_tokens, outcome.completion_tokens
    if outcome.charge == EVERYTHING or tokens[0] is None or tokens[1] is None:
        return call.reserved
    return price(account, tokens[0], tokens[1])


def end_abandoned(judge: Judge, run: JudgeRun | None = None) -> int:
    """Calls whose run is gone, as interrupted and charged in full: they may have been billed.

    Call it when `run` was claimed, so whoever began its calls has lost it. Returns how many.
    """
    same = Judge.objects.filter(project=judge.project_id, name=judge.name)
    gone = Q(judge__in=same, created_at__lt=timezone.now() - ABANDONED_AFTER)
    if run is not None:
        gone |= Q(run=run)  # of members of a panel too
    calls = JudgeCall.objects.filter(gone, state=JudgeCall.State.ASKED)
    ids = list(calls.values_list("pk", flat=True))
    for pk in ids:
        said = Told("its worker ended before the answer was written down; it may have been billed")
        end_call(pk, Outcome(failure="interrupted", detail=said, charge=EVERYTHING))
    return len(ids)


def _key(call: JudgeCall) -> Key:
    return Key(call.task_id, tuple(call.shown_order), call.sample)


def _outcome(call: JudgeCall) -> Outcome:
    return Outcome(
        raw=call.raw,
        p_first=call.p_first,
        value=call.value,
        failure=call.failure,
        detail=Told.from_dict(call.told) if call.told else call.detail,
        prompt_tokens=call.prompt_tokens,
        completion_tokens=call.completion_tokens,
        seconds=call.seconds,
    )
