"""What scripted judges do with a request. They read the prompt as a model would: material is what
stands between the marked lines, instructions are the rest.
"""

import json
import math
import re

BLOCK = re.compile(r"BEGIN (.+) ([0-9a-f]{16})\n(.*?)\nEND \1 \2", re.DOTALL)
POSITION_BIAS = 0.8  # logits in favour of A


def material(body: dict) -> dict[str, str]:
    """The quoted pieces by their titles: "RESPONSE A", "TURN 1 (user)", …"""
    return {title: text for title, _, text in BLOCK.findall(body["messages"][-1]["content"])}


def instructions(body: dict) -> str:
    """Everything that is not quoted."""
    return "\n".join(BLOCK.sub("", message["content"]) for message in body["messages"])


def say(handler, text: str, *, top=None, tokens=(100, 1), **more) -> None:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    if top is not None:
        rows = [{"token": token, "logprob": logprob} for token, logprob in top]
        choice["logprobs"] = {"content": [{**rows[0], "top_logprobs": rows}]}
    body = {"model": "scripted", "choices": [choice]}
    if tokens:
        body["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
    handler.answer(200, {**body, **more})


def margin(body: dict) -> float:
    """The truth in logits: a character is worth a twentieth."""
    found = material(body)
    return (len(found["RESPONSE A"]) - len(found["RESPONSE B"])) / 20


def planted(handler, body: dict) -> None:
    """The longer is better, with a bias for A; also prints a space before its letter."""
    x = margin(body) + POSITION_BIAS
    first, second = -math.log1p(math.exp(-x)), -math.log1p(math.exp(x))
    rest = math.log(0.9)  # a tenth is for other tokens
    top = [(" A", first + rest), ("B", second + rest), ("The", math.log(0.1))]
    say(handler, "A" if x > 0 else "B", top=top)


def hard(handler, body: dict) -> None:
    """Ignores logprobs; otherwise as `planted`."""
    say(handler, "**A**" if margin(body) + POSITION_BIAS > 0 else "B.")


def chatty(handler, body: dict) -> None:
    """Its first token is no letter."""
    say(handler, "Well", top=[("Well", math.log(0.98)), ("A", math.log(0.01))])


def nonsense(handler, body: dict) -> None:
    say(handler, "Both have their merits.")


def once(failing, then):
    """`failing` at the first of equal requests, `then` after it."""

    def script(handler, body: dict) -> None:
        same = [one for one in handler.server.requests if one == body]
        return (failing if len(same) == 1 else then)(handler, body)

    return script


def too_many(handler, body: dict) -> None:
    handler.answer(429, {"error": {"message": "slow down"}}, Retry_After="1")


def broken(handler, body: dict) -> None:
    handler.answer(500, b"<h1>Internal error</h1>", Content_Type="text/html")


def half(handler, body: dict) -> None:
    """Promises more than it sends."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "500")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"message": {"content": "A')


def no_json(handler, body: dict) -> None:
    handler.answer(200, b"<html>a proxy's login page</html>")


def free_of_usage(handler, body: dict) -> None:
    say(handler, "A", tokens=None)


def gullible(handler, body: dict) -> None:
    """Does whatever an unquoted line tells it."""
    told = instructions(body)
    say(handler, "A" if "IGNORE ALL" in told else "A" if margin(body) > 0 else "B")


def orders(handler, body: dict) -> None:
    """Ranks by length, the longest first; ties by place."""
    found = material(body)
    letters = sorted(title[-1] for title in found if title.startswith("RESPONSE"))
    order = sorted(letters, key=lambda letter: -len(found[f"RESPONSE {letter}"]))
    say(handler, "```json\n" + json.dumps({"order": order}) + "\n```", tokens=(100, 20))


def as_told(handler, body: dict) -> None:
    """Answers with what the prompt's first turn says after "SAY:"."""
    say(handler, material(body)["TURN 1 (user)"].partition("SAY:")[2], tokens=(100, 20))


SCRIPTS = {
    script.__name__: script
    for script in (
        *(planted, hard, chatty, nonsense, too_many, broken, half, no_json, free_of_usage),
        *(gullible, orders, as_told),
    )
} | {
    "limited_once": once(too_many, planted),
    "broken_once": once(broken, planted),
    "half_once": once(half, planted),
    "nonsense_once": once(nonsense, planted),
}
