"""Judges: set up, given a new version, given money and a pace."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from annotate.chat.addresses import clean_base_url
from annotate.chat.keys import clean_key_name
from annotate.inputs import Checks, InvalidValue, clean_integer, clean_text
from annotate.models import Judge, Project, User
from annotate.services import audit
from routing import judges
from routing.models import JudgeAccount
from routing.services.ledger import account_of

MOST_MONEY = Decimal(10_000_000)
MONEY_FIELDS = ("input_price", "output_price", "spending_limit")
PACE_FIELDS = {
    "requests_per_minute": (1, 1_000_000),
    "tokens_per_minute": (1, 1_000_000_000),
    "concurrency": (1, 64),
    "attempts": (1, 10),
    "patience": (1, 600),
}
NO_LIMIT = ("requests_per_minute", "tokens_per_minute")
LIMITS = (*MONEY_FIELDS, *PACE_FIELDS)


def offered_kinds() -> list[judges.JudgeKind]:
    """The kinds that a manager can set up."""
    return [kind for kind in judges.kinds() if kind.clean is not None]


@transaction.atomic
def save_judge(
    *,
    project: Project,
    actor: User | None,
    name: str,
    kind: str,
    config: Mapping[str, Any],
    limits: Mapping[str, Any] | None = None,
    address: str | None = None,
) -> Judge:
    """A new judge, or a new version of the one of that name; the same config again is the version
    that there is. Raises InvalidValue.
    """
    name, cleaned = check_judge(project=project, name=name, kind=kind, config=config, limits=limits)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    mine = Judge.objects.filter(project=project, name=name)
    other = mine.exclude(kind=kind).first()
    if other is not None:
        raise InvalidValue(
            "kind", "is {kind} for the judge of this name; choose another name", kind=other.kind
        )
    judge = mine.filter(config=cleaned).first()
    if judge is None:
        judge = Judge.objects.create(
            project=project,
            name=name,
            version=(mine.aggregate(Max("version"))["version__max"] or 0) + 1,
            kind=kind,
            config=cleaned,
        )
        audit.record(
            action="judge.saved",
            target=judge,
            actor=actor,
            project=project,
            address=address,
            name=name,
            version=judge.version,
            kind=kind,
            config=cleaned,
        )
    if limits:
        set_limits(judge=judge, actor=actor, limits=limits, address=address)
    return judge


def check_judge(
    *,
    project: Project,
    name: str,
    kind: str,
    config: Mapping[str, Any],
    limits: Mapping[str, Any] | None = None,
) -> tuple[str, dict[str, Any]]:
    """Its name and configuration as they are kept. Writes nothing. Raises InvalidValue with all
    that is wrong.
    """
    known = {one.name: one for one in offered_kinds()}
    if kind not in known:
        raise InvalidValue("kind", "must be one of: {choices}", choices=", ".join(sorted(known)))
    checks = Checks()
    cleaned_name = checks.of(_clean_name, name)
    cleaned = checks.of(_clean_config, project, known[kind], config)
    given = dict(limits or {})
    for field, value in given.items():
        checks.of(_clean_limit, field, value)
    if known[kind].priced:
        has_account = JudgeAccount.objects.filter(project=project, name=cleaned_name).exists()
        for field in () if has_account else MONEY_FIELDS:
            if field not in given:
                checks.of(_require_money, field)
    checks.end()
    assert cleaned_name is not None
    assert cleaned is not None
    return cleaned_name, cleaned


def _clean_name(name: str) -> str:
    name = clean_text("name", name, max_chars=100, required=True, lines=False).strip()
    if name in {one.name for one in judges.kinds() if one.clean is None}:
        raise InvalidValue("name", "is kept for the judge that training makes; choose another")
    return name


def _require_money(field: str) -> None:
    """A judge that may cost money begins with prices and a limit; nobody is to forget them."""
    raise InvalidValue(f"limits.{field}", "is missing; give it in dollars, 0 for a free model")


def _clean_config(
    project: Project, kind: judges.JudgeKind, raw: Mapping[str, Any]
) -> dict[str, Any]:
    """As the kind has it; addresses, keys and other judges by what this server knows."""
    assert kind.clean is not None
    checks = Checks()
    config = checks.of(kind.clean, raw)
    given = raw if config is None else config
    if "base_url" in given:
        base_url = checks.of(
            clean_base_url,
            "config.base_url",
            given["base_url"],
            private_hosts=settings.CHAT_PRIVATE_HOSTS,
        )
        if config is not None and base_url is not None:
            config["base_url"] = base_url
            config["key_name"] = checks.of(
                clean_key_name,
                "config.key_name",
                config["key_name"],
                base_url=base_url,
                keys=settings.CHAT_KEYS,
            )
    checks.end()
    assert config is not None
    for number, member in enumerate(config.get("members", ())):
        found = Judge.objects.filter(pk=member["judge"], project=project).first()
        if found is None or found.kind == kind.name:
            raise InvalidValue(
                f"config.members.{number}.judge",
                "must be the id of a judge of this project that is no panel itself",
            )
    kind.check(project.pk, config)
    return config


@transaction.atomic
def set_limits(
    *, judge: Judge, actor: User | None, limits: Mapping[str, Any], address: str | None = None
) -> JudgeAccount:
    """Prices, spending limit and pace of all versions of the judge. Raises InvalidValue."""
    account_of(judge)
    account = JudgeAccount.objects.select_for_update().get(
        project=judge.project_id, name=judge.name
    )
    checks = Checks()
    for name, value in limits.items():
        setattr(account, name, checks.of(_clean_limit, name, value))
    checks.end()
    account.save(update_fields=list(limits))
    audit.record(
        action="judge.limits_set",
        target=account,
        actor=actor,
        project=judge.project,
        address=address,
        **{name: str(getattr(account, name)) for name in limits},
    )
    return account


def _clean_limit(name: str, value: Any) -> Decimal | int | None:
    if name not in LIMITS:
        raise InvalidValue(
            f"limits.{name}"[:100], "unknown field; there are: {known}", known=", ".join(LIMITS)
        )
    field = f"limits.{name}"
    if name in MONEY_FIELDS:
        return clean_money(field, value)
    if value is None and name in NO_LIMIT:
        return None
    low, high = PACE_FIELDS[name]
    return clean_integer(field, value, low=low, high=high)


def clean_money(field: str, value: Any) -> Decimal:
    """Dollars to the millionth, from a number or its text. Raises InvalidValue."""
    try:
        amount = Decimal(str(value)) if isinstance(value, str | int | float | Decimal) else None
    except InvalidOperation:
        amount = None
    wrong = amount is None or isinstance(value, bool) or not amount.is_finite()
    if wrong or not 0 <= amount <= MOST_MONEY:
        raise InvalidValue(
            field, "must be an amount of dollars from 0 to {most}", most=int(MOST_MONEY)
        )
    return amount.quantize(Decimal("0.000001"), ROUND_HALF_UP)
