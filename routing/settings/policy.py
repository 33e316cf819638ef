"""What a manager may set of a fitted policy, checked. Pure, and without numpy: the web reads it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from annotate.inputs import (
    Checks,
    InvalidValue,
    clean_boolean,
    clean_choice,
    clean_integer,
    clean_number,
    clean_text,
)
from annotate.kinds.answers import clean_list, clean_object
from routing.encoders import EncoderError, library

FITTED = ("error", "cascade", "ppm", "rule", "random")
WINDOWS = {"all": None, "day": 1, "week": 7, "month": 30}  # days
LEAST_EXPLORE = 0.05
ROUTES = ("people", "expert")
TIERS = ("people", "expert")  # of people, where a policy tells experts apart; from cheap to dear
COMPARISONS = (">=", "<=", ">", "<")
MOST_RULES = 50
MIXES = (20, 2000)
DOMAIN_NAMES = {
    "": _("anywhere"),
    "all": _("in the whole project"),
    "subject": _("in each subject of the prompt"),
    "stratum": _("in the task’s stratum"),
}
DOMAINS = tuple(DOMAIN_NAMES)
RULE: dict[str, Any] = {
    **{"name": "", "route": "people", "tags": [], "signal": ""},
    **{"comparison": ">=", "value": 0},
}
DEFAULTS: dict[str, Any] = {
    "share": 0.5,
    "money": None,
    "price": 0.3,
    "experts": False,
    "expert_price": 1.0,
    "window": "all",
    "explore": LEAST_EXPLORE,
    "risk": 0.15,
    "rules": [],
    "encoder": None,
    "mixes": 200,
    "boosting": True,
    "domains": "",
}


def clean_settings(given: object) -> dict[str, Any]:
    """All settings with defaults filled in. Raises InvalidValue with all that is wrong, each with
    its field's path.

    share: people's share of the window's tasks, 0..1; or money: dollars for people's labels in a
    window, at `price` each. experts: whether members of the tier expert are a source of their own,
    at `expert_price`; without it nobody is sent to them alone. explore: of what the AI would keep.
    risk: a cascade's promise, the most by which the AI's labels differ from people's consensus.
    encoder: of the features that need one; null takes the newest features as they are, "" goes
    without embeddings. mixes: on how many mixes of labels kind ppm trains a reward model. domains:
    by what tasks are parted into domains in each of which a judge must have passed the alternative
    annotator test to label alone; empty: not asked for.
    """
    merged = {**DEFAULTS, **clean_object("settings", given, DEFAULTS)}
    money, encoder = merged["money"], merged["encoder"]
    checks = Checks()
    of, number = checks.of, partial(checks.of, _number)
    rules = of(clean_list, "settings.rules", merged["rules"], low=0, high=MOST_RULES) or []
    cleaned = {
        "share": number("share", merged["share"], 0, 1),
        "money": None if money is None else number("money", money, 0, 1e9),
        "price": number("price", merged["price"], 1e-6, 1e6),
        "window": of(clean_choice, "settings.window", merged["window"], WINDOWS),
        "explore": number("explore", merged["explore"], LEAST_EXPLORE, 1),
        "risk": number("risk", merged["risk"], 0.01, 0.5),
        "domains": of(clean_choice, "settings.domains", merged["domains"], DOMAINS),
        "rules": [of(_rule, f"settings.rules[{at}]", rule) for at, rule in enumerate(rules)],
        "encoder": None if encoder is None else of(_encoder, encoder),
        "boosting": of(clean_boolean, "settings.boosting", merged["boosting"]),
        "mixes": of(clean_integer, "settings.mixes", merged["mixes"], low=MIXES[0], high=MIXES[1]),
        "experts": of(clean_boolean, "settings.experts", merged["experts"]),
        "expert_price": number("expert_price", merged["expert_price"], 1e-6, 1e6),
    }
    to_experts = any(rule and rule["route"] == "expert" for rule in cleaned["rules"])
    if to_experts and cleaned["experts"] is False:
        checks.refuse(
            InvalidValue("settings.experts", "must be true: a rule sends tasks to experts alone")
        )
    checks.end()
    return cleaned


def tiers_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Of people, as a policy with these settings tells them apart."""
    return TIERS if settings.get("experts") else TIERS[:1]


def prices_of(settings: Mapping[str, Any]) -> tuple[float, ...]:
    """Dollars of a label, by tier."""
    both = tuple(float(settings.get(name, DEFAULTS[name])) for name in ("price", "expert_price"))
    return both[: len(tiers_of(settings))]


def _encoder(name: object) -> str:
    if name == "":
        return ""
    try:
        return library().clean(name)
    except EncoderError as error:
        raise InvalidValue(
            "settings.encoder", "cannot be read: {why}", why=error.apart()
        ) from error


def _number(name: str, value: object, low: float, high: float) -> float:
    return float(clean_number(f"settings.{name}", value, low=low, high=high))


def _rule(field: str, given: object) -> dict[str, Any]:
    rule = {**RULE, **clean_object(field, given, RULE)}
    checks = Checks()
    of = checks.of
    listed = of(clean_list, f"{field}.tags", rule["tags"], low=0, high=200) or []
    tags = [
        of(clean_text, f"{field}.tags[{number}]", tag, max_chars=200, required=True)
        for number, tag in enumerate(listed)
    ]
    signal = of(clean_text, f"{field}.signal", rule["signal"], max_chars=200)
    if bool(tags) == bool(signal):
        checks.refuse(InvalidValue(f"{field}.tags", "name tags or a signal, and not both"))
    cleaned = {
        "name": of(clean_text, f"{field}.name", rule["name"], max_chars=200, required=True),
        "route": of(clean_choice, f"{field}.route", rule["route"], ROUTES),
        "tags": tags,
        "signal": signal,
        "comparison": of(clean_choice, f"{field}.comparison", rule["comparison"], COMPARISONS),
        "value": of(clean_number, f"{field}.value", rule["value"], low=-1e12, high=1e12),
    }
    checks.end()
    return {**cleaned, "value": float(cleaned["value"])}
