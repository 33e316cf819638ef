"""When a delivery that failed is tried again."""

FIRST = 10.0  # seconds
FACTOR = 4.0
MOST = 12 * 3600.0
ATTEMPTS = 9  # the last about a day and a half after the first


def wait_after(attempt: int, *, draw: float, asked: int | None = None) -> float:
    """Seconds from the failure of attempt 1, 2, … to the next.

    They grow fourfold up to twelve hours, times 0.5 … 1.5 by `draw` (uniform in [0, 1)), so that
    what failed together does not come back together. `asked`: what the receiver told in
    Retry-After, which is waited for at least.
    """
    plain = min(MOST, FIRST * FACTOR ** (attempt - 1))
    return max(plain * (0.5 + draw), float(asked or 0))
