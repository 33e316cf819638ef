"""How often one may try something: counted in the database, by all processes together."""

from datetime import timedelta

from django.db import connection
from django.utils import timezone
from django.utils.crypto import salted_hmac

from annotate.inputs import InvalidValue
from annotate.models import RateCount

KEEP = timedelta(days=1)

COUNT = """
INSERT INTO annotate_ratecount AS r (key, began_at, count) VALUES (%(key)s, now(), 1)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN r.began_at <= now() - make_interval(secs => %(seconds)s)
                 THEN 1 ELSE r.count + 1 END,
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
    key = salted_hmac("annotate.rates", f"{what}:{whose}", algorithm="sha256").hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": key, "seconds": seconds})
        count, left = cursor.fetchone()
    if count > most:
        refusal = TooManyTries(
            "", "this was tried too often; wait {minutes} minutes", minutes=int(left // 60) + 1
        )
        refusal.seconds = max(1, int(left) + 1)
        raise refusal


def forget_tries() -> int:
    """Remove counts whose window is long over; how many."""
    return RateCount.objects.filter(began_at__lt=timezone.now() - KEEP).delete()[0]
