"""Shares of work as pages tell them."""


def whole_percent(done: int, total: int) -> int:
    """0..100: 0 only where nothing is done or to be done, 100 only where all is done."""
    if not done or not total:
        return 0
    return min(100, max(1, 100 * done // total))
