"""The kinds of policy, and a fitted policy from its artifact."""

from collections.abc import Callable, Mapping
from typing import Any

from routing.policies.cascade import CascadePolicy
from routing.policies.contract import Policy
from routing.policies.error import ErrorPolicy
from routing.policies.plain import MarginPolicy, RandomPolicy, RulePolicy
from routing.policies.ppm import PpmPolicy

KINDS: dict[str, Callable[[Mapping[str, Any]], Policy]] = {
    RandomPolicy.kind: RandomPolicy.from_json,
    RulePolicy.kind: RulePolicy.from_json,
    MarginPolicy.kind: MarginPolicy.from_json,
    PpmPolicy.kind: PpmPolicy.from_json,
    ErrorPolicy.kind: ErrorPolicy.from_json,
    CascadePolicy.kind: CascadePolicy.from_json,
}
DEFAULT = ErrorPolicy.kind


def load(artifact: Mapping[str, Any]) -> Policy:
    """The policy of an artifact that `to_json` gave. Raises ValueError for an unknown kind."""
    kind = artifact.get("kind")
    if kind not in KINDS:
        raise ValueError(f"kind: {kind!r} is no policy kind; there are {', '.join(KINDS)}")
    try:
        return KINDS[kind](artifact)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"the artifact of this {kind} policy cannot be read ({error}); fit it anew"
        ) from error
