"""The books of judges that make calls: money, rates, and what is known already.

A call costs its part of two transactions. `begin` writes the intent of calls and reserves the most
that each can cost, under the lock of the judge's account; `end` writes what came and charges for it
(routing/services/call_ends.py). No transaction is open while a call is under way.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Min, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from annotate.models import Judge
from annotate.wording import Told
from routing.judges import JudgeError, Question, Verdict
from routing.judges.desk import EVERYTHING, Begun, Key, Outcome, Pause, Wanted
from routing.judges.length import COEFFICIENT
from routing.models import JudgeAccount, JudgeCall, JudgeRun
from routing.services.call_ends import end_calls, price
from routing.services.events import tell_limit_reached

MINUTE = timedelta(seconds=60)
ABANDONED_AFTER = timedelta(minutes=15)  # longer than any call may take
BUSY_ELSEWHERE = 2.0  # seconds between two looks at a call that somebody else makes
LEAST_PAUSE = 0.05
FINAL = ("refused", "interrupted")
SAME_CALL = ("judge_call_unique", "judge_call_answered_once")


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
        self.fingerprints: dict[str, str] = {}  # by template

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

    def begin(self, calls: Sequence[Wanted]) -> Begun:
        try:
            begun = self._begin(calls)
        except IntegrityError as error:
            if error.__cause__.diag.constraint_name not in SAME_CALL:
                raise
            return Begun([], Pause(BUSY_ELSEWHERE))  # a judge that asks the same was faster
        if isinstance(begun.stopped, LimitReached):
            tell_limit_reached(self.account_id)
        return begun

    @transaction.atomic
    def _begin(self, calls: Sequence[Wanted]) -> Begun:
        account = JudgeAccount.objects.select_for_update().get(pk=self.account_id)
        latest = self._latest(calls)
        pace = _Pace(account)
        places: list[int | Outcome | JudgeCall] = []
        stopped: Pause | LimitReached | None = None
        for wanted in calls:
            last = latest.get((wanted.key, wanted.template))
            try:
                if last is not None and last.state == "answered":
                    places.append(_outcome(JudgeCall.objects.get(pk=last.pk)))
                    continue
                if last is not None and last.state == "asked":
                    raise Pause(BUSY_ELSEWHERE)
                call = self._call(wanted, account, last.attempt + 1 if last else 1)
                pace.check(call.most_tokens)
                _check_money(account, call.reserved)
            except (Pause, LimitReached) as why:
                stopped = why
                break
            account.reserved += call.reserved
            pace.take(call.most_tokens)
            latest[wanted.key, wanted.template] = call
            places.append(call)
        made = [place for place in places if isinstance(place, JudgeCall)]
        if made:
            # In one order for all: judges that ask the same wait for each other, never in a circle.
            JudgeCall.objects.bulk_create(sorted(made, key=_key_of_row))
            account.save(update_fields=["reserved"])
        return Begun([p.pk if isinstance(p, JudgeCall) else p for p in places], stopped)

    def _latest(self, calls: Sequence[Wanted]) -> dict[tuple[Key, str], JudgeCall]:
        """The last attempt at each, without what was said. One query."""
        templates = {self._fingerprint(one.template): one.template for one in calls}
        rows = JudgeCall.objects.filter(
            task__in={one.key.task_id for one in calls}, fingerprint__in=templates
        ).only("task", "fingerprint", "shown_order", "sample", "attempt", "state")
        return {(_key(row), templates[row.fingerprint]): row for row in rows.order_by("attempt")}

    def _call(self, wanted: Wanted, account: JudgeAccount, attempt: int) -> JudgeCall:
        return JudgeCall(
            judge=self.judge,
            task_id=wanted.key.task_id,
            run=self.run,
            account=account,
            fingerprint=self._fingerprint(wanted.template),
            shown_order=list(wanted.key.shown),
            sample=wanted.key.sample,
            attempt=attempt,
            template=wanted.template,
            state=JudgeCall.State.ASKED,
            most_tokens=wanted.prompt_tokens + wanted.completion_tokens,
            reserved=price(account, wanted.prompt_tokens, wanted.completion_tokens),
        )

    def _fingerprint(self, template: str) -> str:
        if template not in self.fingerprints:
            self.fingerprints[template] = fingerprint_of(self.judge, template)
        return self.fingerprints[template]

    def end(self, ended: Sequence[tuple[int, Outcome]]) -> None:
        end_calls(ended)

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


class _Pace:
    """What the account's last minute holds. One call may always begin in an empty minute: its
    tokens are a bound. One query, none where there is no limit.
    """

    def __init__(self, account: JudgeAccount) -> None:
        self.account = account
        self.now = timezone.now()
        self.limited = account.requests_per_minute is not None
        self.limited = self.limited or account.tokens_per_minute is not None
        if not self.limited:
            return
        counted = Coalesce(F("prompt_tokens") + F("completion_tokens"), F("most_tokens"))
        lately = JudgeCall.objects.filter(account=account, created_at__gt=self.now - MINUTE)
        found = lately.aggregate(calls=Count("*"), tokens=Sum(counted), first=Min("created_at"))
        self.calls, self.tokens = found["calls"], found["tokens"] or 0
        self.first: datetime = found["first"] or self.now

    def check(self, tokens: int) -> None:
        """Raises Pause."""
        account = self.account
        if account.blocked_until and account.blocked_until > self.now:
            raise Pause((account.blocked_until - self.now).total_seconds())
        if not self.limited or not self.calls:
            return
        requests, most = account.requests_per_minute, account.tokens_per_minute
        many = requests is not None and self.calls >= requests
        if many or (most is not None and self.tokens + tokens > most):
            raise Pause(max(LEAST_PAUSE, (self.first + MINUTE - self.now).total_seconds()))

    def take(self, tokens: int) -> None:
        """One more is about to begin."""
        if self.limited:
            self.calls, self.tokens = self.calls + 1, self.tokens + tokens


def end_abandoned(judge: Judge, run: JudgeRun | None = None) -> int:
    """Calls whose run is gone, as interrupted and charged in full: they may have been billed.

    Call it when `run` was claimed, so whoever began its calls has lost it. Returns how many.
    """
    same = Judge.objects.filter(project=judge.project_id, name=judge.name)
    gone = Q(judge__in=same, created_at__lt=timezone.now() - ABANDONED_AFTER)
    if run is not None:
        gone |= Q(run=run)  # of members of a panel too
    calls = JudgeCall.objects.filter(gone, state=JudgeCall.State.ASKED)
    said = Told("its worker ended before the answer was written down; it may have been billed")
    interrupted = Outcome(failure="interrupted", detail=said, charge=EVERYTHING)
    ids = list(calls.values_list("pk", flat=True))
    end_calls([(pk, interrupted) for pk in ids])
    return len(ids)


def _key(call: JudgeCall) -> Key:
    return Key(call.task_id, tuple(call.shown_order), call.sample)


def _key_of_row(call: JudgeCall) -> tuple[int, str, list[int], int]:
    return call.task_id, call.fingerprint, call.shown_order, call.sample


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
