"""What a round is judged by. Pure: plain values in, plain values out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

T95 = 1.96
Utility = Callable[[str, str], float]


@dataclass(frozen=True)
class WinRate:
    """How often a policy's samples beat the base's under a utility; ties count half.

    `low`, `high`: 95 %, normal approximation over prompts, since samples of one prompt are
    alike. `gain` is the mean difference of utility.
    """

    prompts: int
    rate: float
    low: float
    high: float
    gain: float


def win_rate(
    prompts: Sequence[str],
    policy: Sequence[Sequence[str]],
    base: Sequence[Sequence[str]],
    utility: Utility,
) -> WinRate:
    """Every sample of the policy against every sample of the base, prompt by prompt.

    `policy[i]` and `base[i]` are the samples for `prompts[i]`. Raises ValueError when the three
    differ in length or a prompt has no sample.
    """
    if not prompts or not len(prompts) == len(policy) == len(base):
        raise ValueError(f"{len(prompts)} prompts, {len(policy)} and {len(base)} sample lists")
    scores, gains = [], []
    for prompt, mine, theirs in zip(prompts, policy, base, strict=True):
        if not mine or not theirs:
            raise ValueError(f"no sample for the prompt {prompt[:60]!r}")
        ours = [utility(prompt, text) for text in mine]
        others = [utility(prompt, text) for text in theirs]
        points = [(a > b) + 0.5 * (a == b) for a in ours for b in others]
        scores.append(sum(points) / len(points))
        gains.append(sum(ours) / len(ours) - sum(others) / len(others))
    rate = sum(scores) / len(scores)
    half = T95 * standard_error(scores)
    return WinRate(
        prompts=len(prompts),
        rate=rate,
        low=max(0.0, rate - half),
        high=min(1.0, rate + half),
        gain=sum(gains) / len(gains),
    )


def standard_error(values: Sequence[float]) -> float:
    """Of the mean; 0 for a single value."""
    count = len(values)
    if count < 2:
        return 0.0
    mean = sum(values) / count
    return sqrt(sum((value - mean) ** 2 for value in values) / (count - 1) / count)


@dataclass(frozen=True)
class RoundFigures:
    """One line of the loop's table. Shares are 0..1; None where there is nothing to say.

    `judge_right`: the judge's labels of this round that the hidden preference shares.
    `reward_accuracy` is on held-out human labels, all rounds together.
    """

    number: int
    human_labels: int
    ai_labels: int
    audited: int
    agreement: float | None
    judge_right: float | None
    reward_accuracy: float | None
    reward_interval: tuple[float, float] | None
    reward_rows: int
    policy: WinRate
    seconds: float


COLUMNS = (
    ("round", 5),
    ("human", 6),
    ("AI", 5),
    ("AI=people (n)", 14),
    ("AI=hidden", 9),
    ("reward acc. on held-out people", 31),
    ("policy beats base (hidden)", 27),
    ("gain", 6),
    ("seconds", 7),
)


def header() -> str:
    return "  ".join(name.rjust(width) for name, width in COLUMNS)


def line(figures: RoundFigures) -> str:
    """One row under `header`."""
    cells = [
        str(figures.number),
        str(figures.human_labels),
        str(figures.ai_labels),
        f"{percent(figures.agreement)} ({figures.audited})",
        percent(figures.judge_right),
        _with_interval(figures.reward_accuracy, figures.reward_interval)
        + f" n={figures.reward_rows}",
        _with_interval(figures.policy.rate, (figures.policy.low, figures.policy.high))
        + f" n={figures.policy.prompts}",
        f"{figures.policy.gain:+.2f}",
        f"{figures.seconds:.0f}",
    ]
    widths = [width for _, width in COLUMNS]
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _with_interval(share: float | None, interval: tuple[float, float] | None) -> str:
    if share is None or interval is None:
        return "–"
    return f"{100 * share:.1f} % [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]"
