"""`tandem`: the client on the command line.

Results go to standard output, everything else to standard error. Exit codes: 0 done; 1 refused or
failed; 2 the command itself is wrong; 3 done, but some rows were bad; 4 no connection;
5 a job is still under way; 130 interrupted.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from tandem_client.command.parser import make_parser
from tandem_client.command.told import Wrong
from tandem_client.errors import (
    ConnectionFailed,
    Forbidden,
    NotFound,
    Problem,
    StillRunning,
    TandemError,
    Unauthorized,
)
from tandem_client.sync import Client

REFUSED, USAGE, SOME_BAD, UNREACHED, GOING_ON, INTERRUPTED = 1, 2, 3, 4, 5, 130
MOST_ERRORS = 20


def main(arguments: Sequence[str] | None = None) -> int:
    options = make_parser().parse_args(arguments)
    try:
        client = Client(options.url, _token(options.token_file), timeout=options.timeout)
    except (ValueError, OSError) as error:
        return _fail(USAGE, str(error))
    try:
        with client:
            done: int | None = options.do(client, options)
        return done or 0
    except Wrong as error:
        return _fail(USAGE, str(error))
    except StillRunning as error:
        return _fail(GOING_ON, str(error))
    except ConnectionFailed as error:
        return _fail(UNREACHED, str(error))
    except Problem as error:
        return _fail(REFUSED, _in_words(error))
    except (TandemError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            return _quietly()
        return _fail(REFUSED, str(error))
    except ImportError as error:
        return _fail(REFUSED, f"{error}. Install it: pip install 'tandem-client[progress]'")
    except KeyboardInterrupt:
        return _fail(INTERRUPTED, "interrupted")


def _token(path: str | None) -> str | None:
    """The token of a file; None for TANDEM_TOKEN. No option takes it: others see arguments."""
    if path is None:
        return None
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def _in_words(problem: Problem) -> str:
    lines = [problem.detail or problem.title]
    told = [str(error) for error in problem.errors if error.message not in problem.detail]
    lines += told[:MOST_ERRORS]
    if len(told) > MOST_ERRORS:
        lines.append(f"… and {len(told) - MOST_ERRORS} more")
    if isinstance(problem, Unauthorized):
        lines.append("Set TANDEM_TOKEN, or name a file: --token-file PATH.")
    if isinstance(problem, Forbidden | NotFound):
        lines.append("See what this token may reach: tandem projects list.")
    if problem.retry_after is not None:
        lines.append(f"Try again in {problem.retry_after:.0f} s.")
    return "\n".join(lines)


def _fail(code: int, message: str) -> int:
    print(f"tandem: {message}", file=sys.stderr)
    return code


def _quietly() -> int:
    """The reader of our output went away, such as `head`."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
