"""The command's arguments."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter

from tandem_client.command import content, training, work

EPILOG = """\
TANDEM_TOKEN holds the token, TANDEM_URL the address (http://127.0.0.1:8000).
Exit codes: 0 done; 1 refused or failed; 2 wrong command; 3 done, some rows bad; 4 no connection;
5 a job is still under way; 130 interrupted.
"""


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="tandem",
        description="Tandem over REST.",
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", help="the server's address")
    parser.add_argument("--token-file", metavar="PATH", help="a file that holds the token")
    parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--json", action="store_true", help="JSON, for programs")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in (content, work, training):
        group.add_commands(commands)
    return parser
