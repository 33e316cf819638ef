"""The numbers that seats have outside: in addresses, on pages, over REST.

The seat of a hidden item is made as it is drawn, so its id is higher than all others and would tell
what it is. Outside, therefore, ids are permuted under a key: four rounds of Feistel's network
(Luby and Rackoff 1988) over 52 bits, so that a number is exact in JavaScript, too. A changed
SECRET_KEY changes the numbers, as it ends all sessions.
"""

import functools
import hashlib

from django.conf import settings
from django.urls import register_converter

HALF = 26
MASK = (1 << HALF) - 1
MOST = 1 << (2 * HALF)
ROUNDS = range(4)


def number_of(seat_id: int) -> int:
    """The number of a seat; 0, which stands for no seat, stays 0."""
    if not 0 < seat_id <= MOST:
        return seat_id
    left, right = divmod(seat_id - 1, 1 << HALF)
    for turn in ROUNDS:
        left, right = right, left ^ _mixed(turn, right)
    return (left << HALF | right) + 1


def id_of(number: int) -> int:
    """The seat's id; of what is no seat's number some id that no seat has, or another's."""
    if not 0 < number <= MOST:
        return number
    left, right = divmod(number - 1, 1 << HALF)
    for turn in reversed(ROUNDS):
        left, right = right ^ _mixed(turn, left), left
    return (left << HALF | right) + 1


def _mixed(turn: int, half: int) -> int:
    said = turn << HALF | half
    digest = hashlib.blake2b(said.to_bytes(4, "big"), key=_key(settings.SECRET_KEY), digest_size=4)
    return int.from_bytes(digest.digest(), "big") & MASK


@functools.lru_cache(maxsize=1)
def _key(secret: str) -> bytes:
    return hashlib.blake2b(f"annotate.seat:{secret}".encode()).digest()


class SeatConverter:
    """`<seat:seat_id>` in an address: a number there, an id in the view."""

    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        return id_of(int(value))

    def to_url(self, value: int) -> str:
        return str(number_of(int(value)))


register_converter(SeatConverter, "seat")
