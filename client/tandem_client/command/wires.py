"""tandem webhooks, signals."""

import sys
from argparse import Namespace
from typing import Any

from tandem_client.command.told import Wrong, read_pairs, read_rows, tell, tell_rows
from tandem_client.sync import Client

SOME_BAD = 3
MOST_SHOWN = 20


def add_commands(commands: Any) -> None:
    webhooks = commands.add_parser("webhooks", help="your servers that are told what happens")
    deeds = webhooks.add_subparsers(required=True, metavar="DEED")
    listed = deeds.add_parser("list")
    listed.add_argument("project", type=int)
    listed.set_defaults(do=list_webhooks)
    create = deeds.add_parser("create", help="prints the secret, this once")
    create.add_argument("project", type=int)
    create.add_argument("address", help="where to, https as a rule")
    create.add_argument("events", nargs="+", metavar="EVENT", help="such as judgement.created")
    create.set_defaults(do=create_webhook)
    for name, do, words in (
        ("on", switch_on, "tell it again, and what waits first"),
        ("off", switch_off, "tell it nothing"),
        ("test", send_test, "send a test event now"),
        ("rotate", rotate, "another secret; both sign for a day"),
        ("end-old-secret", end_old_secret, "sign with the new secret alone"),
        ("delete", delete, "with its deliveries"),
        ("deliveries", list_deliveries, "what it was told"),
        ("replay", replay, "bring one delivery again, or all that were given up"),
    ):
        one = deeds.add_parser(name, help=words)
        one.add_argument("project", type=int)
        one.add_argument("webhook", type=int)
        if name == "deliveries":
            one.add_argument("--state", choices=["waiting", "taken", "dead"])
        if name == "replay":
            one.add_argument("--delivery", type=int)
        one.set_defaults(do=do)

    signals = commands.add_parser("signals", help="what people of your product did with answers")
    deeds = signals.add_subparsers(required=True, metavar="DEED")
    sending = deeds.add_parser("send", help="JSON lines of signals; - reads standard input")
    sending.add_argument("project", type=int)
    sending.add_argument("file")
    sending.set_defaults(do=send_signals)
    summary = deeds.add_parser("summary", help="shares by model version, noise by type")
    summary.add_argument("project", type=int)
    summary.set_defaults(do=show_summary)
    rules = deeds.add_parser("rules", help="noise rates, what follow-ups say, days kept")
    rules.add_argument("project", type=int)
    rules.add_argument("--noise", action="append", metavar="TYPE=RATE", help="no rate: estimated")
    rules.add_argument("--follow-up", choices=["nothing", "good", "bad"])
    rules.add_argument("--keep-days", type=int)
    rules.set_defaults(do=set_rules)
    for name, do in (("list", list_signals), ("export", export_signals)):
        one = deeds.add_parser(name)
        one.add_argument("project", type=int)
        one.add_argument("--type")
        one.add_argument("--model")
        one.add_argument("--model-version")
        one.set_defaults(do=do)


def list_webhooks(client: Client, options: Namespace) -> None:
    rows = client.webhooks.list(options.project)
    tell_rows(options, rows, "id", "is_on", "url", "events", "switched_off")


def create_webhook(client: Client, options: Namespace) -> None:
    made = client.webhooks.create(options.project, options.address, options.events)
    tell(options, made, f"Webhook {made['id']}. Its secret, shown this once: {made['secret']}")


def switch_on(client: Client, options: Namespace) -> None:
    _switch(client, options, True)


def switch_off(client: Client, options: Namespace) -> None:
    _switch(client, options, False)


def _switch(client: Client, options: Namespace, is_on: bool) -> None:
    changed = client.webhooks.change(options.project, options.webhook, is_on=is_on)
    tell(options, changed, f"Webhook {changed['id']} is {'on' if is_on else 'off'}")


def send_test(client: Client, options: Namespace) -> int:
    told = client.webhooks.test(options.project, options.webhook)
    came = told["failure"] or f"{told['status']} in {told['seconds']} s"
    tell(options, told, f"{told['message_id']}: {told['state']}. {came}")
    return 0 if told["state"] == "taken" else 1


def rotate(client: Client, options: Namespace) -> None:
    made = client.webhooks.rotate(options.project, options.webhook)
    tell(options, made, f"The new secret of webhook {made['id']}, this once: {made['secret']}")


def end_old_secret(client: Client, options: Namespace) -> None:
    client.webhooks.end_old_secret(options.project, options.webhook)
    tell(options, {"webhook": options.webhook}, "Signed with the new secret alone")


def delete(client: Client, options: Namespace) -> None:
    client.webhooks.delete(options.project, options.webhook)
    tell(options, {"webhook": options.webhook}, f"Webhook {options.webhook} is deleted")


def list_deliveries(client: Client, options: Namespace) -> None:
    rows = client.webhooks.deliveries(options.project, options.webhook, state=options.state)
    tell_rows(options, rows, "id", "state", "type", "attempts", "status", "message_id", "failure")


def replay(client: Client, options: Namespace) -> None:
    count = client.webhooks.replay(options.project, options.webhook, delivery=options.delivery)
    tell(options, {"replayed": count}, f"{count} on their way again")


def send_signals(client: Client, options: Namespace) -> int:
    taken = client.signals.send(options.project, read_rows(options.file))
    told = {
        "created": taken.created,
        "known": taken.known,
        "errors": [
            {"line": error.line, "field": error.field, "message": error.message}
            for error in taken.errors
        ],
    }
    bad = len(taken.errors)
    words = f"{taken.created} created, {taken.known} known, {bad} bad"
    tell(options, told, f"{options.file}: {words}")
    for error in taken.errors[:MOST_SHOWN]:
        print(f"{options.file}: {error}", file=sys.stderr)
    if bad > MOST_SHOWN:
        print(f"{options.file}: … and {bad - MOST_SHOWN} more", file=sys.stderr)
    return SOME_BAD if bad else 0


def show_summary(client: Client, options: Namespace) -> None:
    _told(options, client.signals.summary(options.project))


def set_rules(client: Client, options: Namespace) -> None:
    pairs = read_pairs(options.noise, "=", "--noise")
    noise = None if pairs is None else {type: _rate(text) for type, text in pairs.items()}
    found = client.signals.set_rules(
        options.project, noise=noise, follow_up=options.follow_up, keep_days=options.keep_days
    )
    _told(options, found)


def _rate(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError as error:
        raise Wrong(f"--noise: {text!r} is no rate from 0 to 0.5") from error


def _told(options: Namespace, summary: Any) -> None:
    if options.json:
        tell(options, summary, "")
        return
    tell_rows(options, summary["versions"], "generator", "generator_version", "share", "counts")
    tell_rows(options, summary["noise"], "type", "set", "estimated", "compared")
    print(f"follow-ups say {summary['follow_up']}; kept for {summary['keep_days']} days")


def list_signals(client: Client, options: Namespace) -> None:
    rows = client.signals.list(options.project, **_chosen(options))
    tell_rows(options, rows, "id", "key", "type", "generator", "generator_version", "happened_at")


def export_signals(client: Client, options: Namespace) -> None:
    rows = client.signals.export(options.project, **_chosen(options))
    tell_rows(Namespace(json=True), rows)


def _chosen(options: Namespace) -> dict[str, str | None]:
    return {
        "type": options.type,
        "model": options.model,
        "model_version": options.model_version,
    }
