"""What people are paid: rates by tier."""

import re
from decimal import Decimal, InvalidOperation

from django.db import transaction

from annotate.inputs import clean_choice, clean_integer
from annotate.kinds import InvalidValue
from annotate.models import Membership, PayRate, Project, User
from annotate.services import audit

TIERS = ("", *Membership.Tier.values)
INTEGERS = {"bonus_percent": (0, 1000), "bonus_share": (0, 100), "bonus_from": (1, 10_000)}
FIELDS = frozenset({"tier", "basis", "amount", "currency", *INTEGERS})
PLACES = Decimal("0.0001")
MOST = Decimal(100_000)


@transaction.atomic
def set_rate(
    *, project: Project, actor: User, address: str | None = None, **fields: object
) -> PayRate:
    """Set the rate of a tier, or with tier "" that of everybody else. Sheets of any period use the
    rates of now. Raises InvalidValue.
    """
    cleaned = _clean(fields)
    tier = cleaned.pop("tier")
    rate, _created = PayRate.objects.update_or_create(project=project, tier=tier, defaults=cleaned)
    audit.record(
        action="pay.set",
        target=rate,
        actor=actor,
        project=project,
        address=address,
        tier=tier,
        **{**cleaned, "amount": str(cleaned["amount"])},
    )
    return rate


@transaction.atomic
def remove_rate(*, project: Project, tier: str, actor: User, address: str | None = None) -> None:
    """Pay the tier as everybody else. Without such a rate nothing happens."""
    rate = PayRate.objects.filter(project=project, tier=tier).first()
    if rate is not None:
        audit.record(
            action="pay.removed",
            target=rate,
            actor=actor,
            project=project,
            address=address,
            tier=tier,
        )
        rate.delete()


def _clean(fields: dict) -> dict:
    for name in fields:
        if name not in FIELDS:
            known = ", ".join(sorted(FIELDS))
            raise InvalidValue(str(name), "unknown field; there are: {known}", known=known)
    for name in ("basis", "amount", "currency"):
        if name not in fields:
            raise InvalidValue(name, "is missing")
    currency = fields["currency"]
    if not isinstance(currency, str) or not re.fullmatch(r"[A-Z]{3}", currency):
        raise InvalidValue("currency", "must be three capital letters, such as EUR")
    cleaned = {
        "tier": clean_choice("tier", fields.get("tier", ""), TIERS),
        "basis": clean_choice("basis", fields["basis"], PayRate.Basis.values),
        "amount": _clean_amount(fields["amount"]),
        "currency": currency,
    }
    for name, (low, high) in INTEGERS.items():
        if name in fields:
            cleaned[name] = clean_integer(name, fields[name], low=low, high=high)
    return cleaned


def _clean_amount(given: object) -> Decimal:
    try:
        amount = Decimal(str(given)) if not isinstance(given, bool) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= MOST:
        raise InvalidValue("amount", "must be a number from 0 to {most}", most=int(MOST))
    if amount != amount.quantize(PLACES):
        raise InvalidValue("amount", "has more than four decimals")
    return amount.quantize(PLACES)
