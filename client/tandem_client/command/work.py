"""tandem next, judge, skip, release."""

from argparse import Namespace
from typing import Any

from tandem_client.command.told import read_object, tell
from tandem_client.shapes import Lease
from tandem_client.sync import Client


def add_commands(commands: Any) -> None:
    following = commands.add_parser("next", help="lease the next task; the same until answered")
    following.add_argument("project", type=int)
    following.set_defaults(do=show_next)
    judge = commands.add_parser("judge", help="answer the task that `next` gave")
    judge.add_argument("seat", type=int)
    judge.add_argument("value", help="JSON, as the project's kind asks")
    judge.add_argument("--form", type=int, help="the form's id, as `next` gave it")
    judge.add_argument("--rationale")
    judge.set_defaults(do=submit)
    skip = commands.add_parser("skip", help="decline a task")
    skip.add_argument("seat", type=int)
    skip.add_argument(
        "reason", choices=["unclear", "expertise", "language", "harmful", "broken", "other"]
    )
    skip.add_argument("--note")
    skip.set_defaults(do=skip_seat)
    release = commands.add_parser("release", help="hand a seat back unanswered")
    release.add_argument("seat", type=int)
    release.set_defaults(do=release_seat)


def show_next(client: Client, options: Namespace) -> None:
    lease = client.work.next(options.project)
    if lease is None:
        tell(options, None, "Nothing to do.")
        return
    tell(options, lease, _shown(lease))


def _shown(lease: Lease) -> str:
    kind = lease["form"]["kind"]
    lines = [f"Seat {lease['seat']}, task {lease['task']} ({kind}), until {lease['lease_until']}"]
    lines += [f"\n[{turn['role']}] {_text(turn)}" for turn in lease["prompt"]["conversation"]]
    lines += [
        f"\n[response {response['id']}] " + " ".join(_text(part) for part in response["content"])
        for response in lease["responses"]
    ]
    return "\n".join(lines)


def _text(part: dict[str, Any]) -> str:
    content = part.get("text") or part.get("content")
    return content if isinstance(content, str) else f"<{part.get('type', 'content')}>"


def submit(client: Client, options: Namespace) -> None:
    value = read_object(options.value, "the value") or {}
    judgement = client.work.judge(
        options.seat, value, form=options.form, rationale=options.rationale
    )
    tell(options, judgement, f"Judgement {judgement['id']} of task {judgement['task']}")


def skip_seat(client: Client, options: Namespace) -> None:
    skip = client.work.skip(options.seat, options.reason, note=options.note)
    tell(options, skip, f"Task {skip['task']} skipped: {skip['reason']}")


def release_seat(client: Client, options: Namespace) -> None:
    client.work.release(options.seat)
    tell(options, {"seat": options.seat}, f"Seat {options.seat} handed back")
