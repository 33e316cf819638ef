"""How often one may try something: counted in the database, by all processes together."""

from datetime import timedelta
from math import ceil

from django.db import connection
from django.utils import timezone
from django.utils.crypto import salted_hmac

from annotate.inputs import InvalidValue
from annotate.models import RateCount
from annotate.wording import Counted

KEEP = timedelta(days=1)

COUNT = """
INSERT INTO annotate_ratecount AS r (key, began_at, count) VALUES (%(key)s, now(), %(times)s)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN r.began_at <= now() - make_interval(secs => %(seconds)s)
                 THEN %(times)s ELSE r.count + %(times)s END,
    began_at = CASE WHEN r.began_at <= now() - make_interval(secs => %(seconds)s)
                    THEN now() ELSE r.began_at END
RETURNING count, extract(epoch FROM r.began_at + make_interval(secs => %(seconds)s) - now())
"""


class TooManyTries(InvalidValue):
    """It was tried too often; `seconds` later it may be tried again."""

    seconds = 60


def count_try(what: str, whose: object, *, most: int, seconds: int) -> None:
    """Count one try of `what`; the window of `seconds` begins with the first.

    Call it outside of transactions that may be rolled back, or the try is forgotten. Only a keyed
    hash of `whose` (an address, an account) is kept. Raises TooManyTries above `most`.
    """
    count, left = count_up(what, whose, seconds=seconds)
    if count > most:
        wait = Counted("{count} minute", "{count} minutes", max(1, ceil(left / 60)))
        refusal = TooManyTries("", "this was tried too often; wait {time}", time=wait)
        refusal.seconds = max(1, ceil(left))
        raise refusal


def count_up(what: str, whose: object, *, seconds: int, times: int = 1) -> tuple[int, float]:
    """Count `times` tries at once: how many there are in the window, and its seconds that are left.

    One statement, which other processes that count the same wait for.
    """
    key = salted_hmac("annotate.rates", f"{what}:{whose}", algorithm="sha256").hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": key, "seconds": seconds, "times": times})
        count, left = cursor.fetchone()
    return count, float(left)


def forget_tries() -> int:
    """Remove counts whose window is long over; how many."""
    return RateCount.objects.filter(began_at__lt=timezone.now() - KEEP).delete()[0]
