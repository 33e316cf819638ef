"""tandem reviews: the queue, decisions about many answers, giving what people hold to others."""

import sys
from argparse import Namespace
from itertools import islice
from typing import Any

from tandem_client.command.told import read_rows, tell_rows
from tandem_client.sync import Client

SOME_BAD = 3
MOST = 500  # in one request


def add_commands(commands: Any) -> None:
    reviews = commands.add_parser("reviews", help="decide about answers, release what people hold")
    deeds = reviews.add_subparsers(required=True, metavar="DEED")
    queue = deeds.add_parser("queue", help="what waits for a reviewer")
    queue.add_argument("project", type=int)
    queue.add_argument("--by", help="why it waits: waiting, divided, person, flag, gold or sample")
    queue.set_defaults(do=list_queue)
    decide = deeds.add_parser("decide", help="many answers at once, each by itself")
    decide.add_argument("project", type=int)
    decide.add_argument(
        "file",
        help="""JSON lines like {"judgement": 7, "decision": "accept"}; - reads standard input; """
        "sent 500 at a time",
    )
    decide.set_defaults(do=decide_about)
    release = deeds.add_parser("release", help="give what people hold to others")
    release.add_argument("project", type=int)
    release.add_argument("seats", type=int, nargs="+", metavar="SEAT")
    release.set_defaults(do=release_seats)


def list_queue(client: Client, options: Namespace) -> None:
    rows = client.reviews.queue(options.project, by=options.by)
    tell_rows(options, rows, "judgement", "task", "author", "decision", "flag")


def decide_about(client: Client, options: Namespace) -> int:
    """Sends 500 at a time; one that is refused stops no other."""
    lines, refused = read_rows(options.file), False
    while items := list(islice(lines, MOST)):
        found = client.reviews.decide(options.project, items)
        tell_rows(options, found, "judgement", "status")
        for row in found:
            if row["errors"]:
                why = "; ".join(f"{wrong['field']}: {wrong['message']}" for wrong in row["errors"])
                print(f"judgement {row['judgement']}: {why}", file=sys.stderr)
            refused = refused or row["status"] >= 400
    return SOME_BAD if refused else 0


def release_seats(client: Client, options: Namespace) -> None:
    for at in range(0, len(options.seats), MOST):
        found = client.reviews.release(options.project, options.seats[at : at + MOST])
        tell_rows(options, found, "id", "state", "released")
