"""The command's arguments."""

from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from tandem_client.command import content, reviews, snapshots, training, wires, work

EPILOG = """\
TANDEM_TOKEN holds the token, TANDEM_URL the address (http://127.0.0.1:8000).
Exit codes: 0 done; 1 refused or failed; 2 wrong command; 3 done, some rows bad; 4 no connection;
5 a job is still under way; 130 interrupted.
"""


class CommandParser(ArgumentParser):
    """Argparse makes those of commands of it, too: the flags stand before a command or behind."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # SUPPRESS: a command without the flag leaves what stood before it.
        self.add_argument(
            "--json", action="store_true", default=SUPPRESS, help="JSON, for programs"
        )
        self.add_argument("--quiet", action="store_true", default=SUPPRESS, help="no progress bars")


def make_parser() -> ArgumentParser:
    parser = CommandParser(
        prog="tandem",
        description="Tandem over REST.",
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", help="the server's address")
    parser.add_argument("--token-file", metavar="PATH", help="a file that holds the token")
    parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS")
    parser.set_defaults(json=False, quiet=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in (content, snapshots, work, reviews, wires, training):
        group.add_commands(commands)
    return parser
