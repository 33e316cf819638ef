"""What people did in a period and what it comes to in money."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Count, Q, Sum
from django.utils import timezone

from annotate.models import Judgement, Membership, PayRate, Project, User
from annotate.reports.gold import Passed, passed_of

CENT = Decimal("0.01")
HOUR = Decimal(3600)
COLUMNS = (
    *("pseudonym", "user", "tier", "judgements", "hidden", "untimed", "active_seconds", "basis"),
    *("rate", "currency", "pay", "gold_right", "gold_answers", "bonus", "total"),
)


@dataclass(frozen=True)
class PayLine:
    """One person's period. `hidden` and `untimed` are among `judgements`: answers to hidden items,
    and those without measured seconds. Money is rounded to cents, halves up; None without a rate.
    """

    user: User
    tier: str
    judgements: int
    hidden: int
    untimed: int
    seconds: float
    passed: Passed
    rate: PayRate | None

    @property
    def pay(self) -> Decimal | None:
        if self.rate is None:
            return None
        units = Decimal(self.judgements)
        if self.rate.basis == PayRate.Basis.HOUR:
            units = Decimal(str(round(self.seconds, 3))) / HOUR
        return (self.rate.amount * units).quantize(CENT, ROUND_HALF_UP)

    @property
    def bonus(self) -> Decimal | None:
        rate, pay = self.rate, self.pay
        if rate is None or pay is None:
            return None
        earned = (
            self.passed.count >= rate.bonus_from
            and 100 * self.passed.right >= rate.bonus_share * self.passed.count
        )
        share = Decimal(rate.bonus_percent) / 100 if earned else Decimal(0)
        return (pay * share).quantize(CENT, ROUND_HALF_UP)

    @property
    def total(self) -> Decimal | None:
        return None if self.pay is None or self.bonus is None else self.pay + self.bonus

    def as_row(self) -> dict:
        """By COLUMNS; money as texts with two decimals."""
        money = (None if one is None else str(one) for one in (self.pay, self.bonus, self.total))
        pay, bonus, total = money
        return {
            "pseudonym": self.user.pseudonym,
            "user": self.user.username,
            "tier": self.tier,
            "judgements": self.judgements,
            "hidden": self.hidden,
            "untimed": self.untimed,
            "active_seconds": round(self.seconds, 1),
            "basis": self.rate.basis if self.rate else None,
            "rate": str(self.rate.amount) if self.rate else None,
            "currency": self.rate.currency if self.rate else None,
            "pay": pay,
            "gold_right": self.passed.right,
            "gold_answers": self.passed.count,
            "bonus": bonus,
            "total": total,
        }


def pay_sheet(project: Project, first: date, last: date) -> list[PayLine]:
    """A line a person for the days from `first` to `last`, by name. Four queries.

    An answer counts once, when it was first given, with the seconds of that; corrections neither
    add nor take away. Simulated people are left out.
    """
    begin, end = _midnight(first), _midnight(last + timedelta(days=1))
    rows = (
        Judgement.objects.filter(
            project=project,
            source=Judgement.Source.PERSON,
            supersedes=None,
            simulated=False,
            submitted_at__gte=begin,
            submitted_at__lt=end,
        )
        .order_by()
        .values("annotator")
        .annotate(
            judgements=Count("*"),
            hidden=Count("pk", filter=Q(is_gold=True)),
            untimed=Count("pk", filter=Q(seconds_active=None)),
            seconds=Sum("seconds_active"),
        )
    )
    done = {row["annotator"]: row for row in rows}
    members = Membership.objects.filter(project=project, user__in=list(done))
    tiers = dict(members.values_list("user", "tier"))
    rates = {rate.tier: rate for rate in PayRate.objects.filter(project=project)}
    passed = passed_of(project, list(done), answered_at__gte=begin, answered_at__lt=end)
    people = User.objects.filter(pk__in=list(done), is_simulated=False).order_by("username")
    lines = []
    for user in people:
        row, tier = done[user.pk], tiers.get(user.pk, "")
        lines.append(
            PayLine(
                user=user,
                tier=tier,
                judgements=row["judgements"],
                hidden=row["hidden"],
                untimed=row["untimed"],
                seconds=row["seconds"] or 0.0,
                passed=passed.get(user.pk, Passed(0, 0)),
                rate=rates.get(tier, rates.get("")),
            )
        )
    return lines


def totals(lines: list[PayLine]) -> list[tuple[str, Decimal]]:
    """The sum of each currency."""
    found: dict[str, Decimal] = {}
    for line in lines:
        if line.rate is not None and line.total is not None:
            found[line.rate.currency] = found.get(line.rate.currency, Decimal(0)) + line.total
    return sorted(found.items())


def as_csv_rows(lines: list[PayLine]) -> Iterator[list[object]]:
    """The header, then a row a line. A text that a spreadsheet would take for a formula is led by
    an apostrophe.
    """
    yield list(COLUMNS)
    for line in lines:
        row = line.as_row()
        yield [_cell(row[name]) for name in COLUMNS]


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@"):
        return f"'{value}"
    return value


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
