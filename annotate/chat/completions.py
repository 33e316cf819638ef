"""The client of OpenAI-compatible chat completions: one reply, streamed or whole.

https://platform.openai.com/docs/api-reference/chat as vLLM, llama.cpp, Ollama and others speak it.
"""

import json
import ssl
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from math import ceil
from typing import Any, cast

import httpx

from annotate.chat.addresses import Address, resolve
from annotate.chat.events import read_events
from annotate.chat.failures import ModelFailure
from annotate.wording import Told

MAX_DETAIL = 500
MAX_REPLY_CHARS = 100_000
MAX_WHOLE_BYTES = 2_000_000
KEEP_IDLE = 2.0  # seconds


@dataclass(frozen=True)
class Target:
    """Whom to ask. `parameters` go into the request as they are; null takes one out."""

    base_url: str
    model: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class Piece:
    """What came: a bit of text, or what the end tells."""

    text: str = ""
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True)
class Completion:
    """A whole reply. `first_token`: the likeliest first tokens with their natural
    log-probabilities, where the server tells them.
    """

    text: str
    finish_reason: str = ""
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token: tuple[tuple[str, float], ...] = ()


Message = Mapping[str, str]


async def complete(
    client: httpx.AsyncClient,
    target: Target,
    messages: Sequence[Message],
    *,
    private_hosts: Collection[str],
) -> Completion:
    """The whole reply at once. Raises ModelFailure. The caller bounds the time.

    The client may be shared by requests to one address (`new_client`).
    """
    body = _body(target, messages, stream=False)
    value = await post(client, target, "chat/completions", body, private_hosts=private_hosts)
    piece = _piece(value, target, "message")
    return Completion(
        text=piece.text[:MAX_REPLY_CHARS],
        finish_reason=piece.finish_reason,
        model=storable(str(value.get("model") or ""))[:200],
        prompt_tokens=piece.prompt_tokens,
        completion_tokens=piece.completion_tokens,
        first_token=_first_token(value),
    )


async def post(
    client: httpx.AsyncClient,
    target: Target,
    path: str,
    body: Mapping[str, Any],
    *,
    private_hosts: Collection[str],
) -> Mapping[str, Any]:
    """The JSON object that the path below the base URL answers. Raises ModelFailure."""
    try:
        address = await resolve(f"{target.base_url}/{path}", private_hosts=private_hosts)
        async with client.stream(
            "POST",
            address.url,
            json=dict(body),
            headers=_headers(address, target),
            extensions=_extensions(address),
        ) as answer:
            if answer.status_code != 200:
                raise await _refusal(answer, target)
            raw = await read_some(answer, MAX_WHOLE_BYTES + 1)
    except httpx.HTTPError as error:
        raise _broken(error, target) from error
    if len(raw) > MAX_WHOLE_BYTES:
        raise ModelFailure(
            "malformed", Told("the reply has more than {count} bytes", count=MAX_WHOLE_BYTES)
        )
    return _json(raw.decode("utf-8", "replace"), target)


def new_client() -> httpx.AsyncClient:
    """Without the proxies of the environment: the address that was checked is the one asked.

    Idle connections are kept for less time than servers keep theirs: a request on one that the
    server just closed fails, and nobody can say whether it was read.
    """
    limits = httpx.Limits(keepalive_expiry=KEEP_IDLE)
    return httpx.AsyncClient(timeout=None, trust_env=False, verify=_trust(), limits=limits)


def _first_token(value: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """What is not as it should be is left out: some servers send null, or the text alone."""
    [choice, *_] = value.get("choices") or [{}]
    logprobs = choice.get("logprobs")
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    first = content[0] if isinstance(content, list) and content else None
    if not isinstance(first, Mapping):
        return ()
    listed = first.get("top_logprobs") or [first]
    found = []
    for one in filter(lambda row: isinstance(row, Mapping), listed):
        token, logprob = one.get("token"), one.get("logprob")
        if isinstance(token, str) and type(logprob) in (int, float) and logprob == logprob:
            found.append((storable(token), max(-9999.0, float(logprob))))
    return tuple(found)


async def stream_reply(
    target: Target, messages: Sequence[Message], *, private_hosts: Collection[str]
) -> AsyncGenerator[Piece, None]:
    """The reply's pieces. Raises ModelFailure. The caller bounds the time; closing hangs up.

    Redirects are not followed: they would carry the key, and past the check of the address.
    """
    # Generators that stand within each other are closed from the outside in, each by its user:
    # left to the event loop they are closed all at once, while one still waits for another.
    try:
        async with aclosing(_stream(target, messages, private_hosts)) as pieces:
            async for piece in pieces:
                yield piece
    except httpx.HTTPError as error:
        raise _broken(error, target) from error


def _broken(error: httpx.HTTPError, target: Target) -> ModelFailure:
    kind = "unreachable" if isinstance(error, httpx.ConnectError) else "broken_off"
    return ModelFailure(kind, _safe(f"{type(error).__name__}: {error}", target))


async def _stream(
    target: Target, messages: Sequence[Message], private_hosts: Collection[str]
) -> AsyncGenerator[Piece, None]:
    address = await resolve(f"{target.base_url}/chat/completions", private_hosts=private_hosts)
    async with (
        new_client() as client,
        client.stream(
            "POST",
            address.url,
            json=_body(target, messages, stream=True),
            headers={**_headers(address, target), "Accept": "text/event-stream"},
            extensions=_extensions(address),
        ) as answer,
    ):
        if answer.status_code != 200:
            raise await _refusal(answer, target)
        if "text/event-stream" not in answer.headers.get("Content-Type", ""):
            yield _whole(await read_some(answer, MAX_WHOLE_BYTES), target)
            return
        async with aclosing(_pieces(answer, target)) as pieces:
            async for piece in pieces:
                yield piece


def _headers(address: Address, target: Target) -> dict[str, str]:
    headers = {
        "Host": address.host_header,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "Tandem",
    }
    return headers | ({"Authorization": f"Bearer {target.secret}"} if target.secret else {})


def _extensions(address: Address) -> dict[str, str]:
    return {"sni_hostname": address.host} if address.scheme == "https" else {}


def _body(target: Target, messages: Sequence[Message], *, stream: bool) -> dict[str, Any]:
    body = {
        **({"stream_options": {"include_usage": True}} if stream else {}),
        **target.parameters,
        "model": target.model,
        "messages": list(messages),
        "stream": stream,
    }
    return {name: value for name, value in body.items() if value is not None}


async def _pieces(answer: httpx.Response, target: Target) -> AsyncGenerator[Piece, None]:
    """Raises ModelFailure also where the stream ends without saying that it is at its end."""
    chars, ended = 0, False
    async with (
        aclosing(_bytes(answer)) as chunks,
        aclosing(read_events(chunks)) as events,
    ):
        async for data in events:
            if data.strip() == "[DONE]":
                return
            piece = _piece(_json(data, target), target, "delta")
            chars += len(piece.text)
            if chars > MAX_REPLY_CHARS:
                yield Piece(piece.text[: len(piece.text) + MAX_REPLY_CHARS - chars], "too_long")
                return
            ended = ended or bool(piece.finish_reason)
            yield piece
    if not ended:
        raise ModelFailure("broken_off", Told("the stream ended before the reply did"))


def _whole(raw: bytes, target: Target) -> Piece:
    """A server that does not stream sends one JSON object."""
    piece = _piece(_json(raw.decode("utf-8", "replace"), target), target, "message")
    if len(piece.text) > MAX_REPLY_CHARS:
        raise ModelFailure(
            "malformed", Told("the reply has more than {count} characters", count=MAX_REPLY_CHARS)
        )
    return piece


def _json(text: str, target: Target) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFailure(
            "malformed", Told("not JSON: {text}", text=_safe(text, target))
        ) from error
    if not isinstance(value, Mapping):
        raise ModelFailure("malformed", Told("not an object: {text}", text=_safe(text, target)))
    if value.get("error"):
        raise ModelFailure("server_error", _safe(json.dumps(value["error"]), target))
    return value


def _piece(value: Mapping[str, Any], target: Target, inner: str) -> Piece:
    choices = value.get("choices")
    usage = value.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    tokens = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if not choices and usage:
        return Piece("", "", *tokens)
    if not isinstance(choices, list) or not all(isinstance(one, Mapping) for one in choices):
        raise ModelFailure(
            "malformed", Told("no choices: {text}", text=_safe(json.dumps(value), target))
        )
    if not choices:
        return Piece()
    said = choices[0].get(inner) or {}
    text = said.get("content") if isinstance(said, Mapping) else ""
    if text is not None and not isinstance(text, str):
        raise ModelFailure(
            "malformed", Told("no text: {text}", text=_safe(json.dumps(value), target))
        )
    return Piece(storable(text or ""), str(choices[0].get("finish_reason") or "")[:50], *tokens)


def _bytes(answer: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The body; httpx calls the generator that it is an iterator."""
    return cast("AsyncGenerator[bytes, None]", answer.aiter_bytes())


async def _refusal(answer: httpx.Response, target: Target) -> ModelFailure:
    detail = (await read_some(answer, 10_000)).decode("utf-8", "replace")
    detail = _safe(f"{answer.status_code} {answer.reason_phrase}: {detail}", target)
    seconds = seconds_to_wait(answer.headers.get("Retry-After", ""))
    if answer.status_code == 429:
        return ModelFailure("rate_limited", detail, seconds)
    if answer.status_code >= 500:
        return ModelFailure("server_error", detail, seconds)
    return ModelFailure("refused", detail)


def seconds_to_wait(text: str) -> int | None:
    """Seconds, from a number or a date as RFC 9110 has them; None for neither, or over a day."""
    if text.isascii() and text.isdigit() and len(text) < 6:
        return int(text)
    try:
        seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return ceil(seconds) if 0 < seconds < 86_400 else None


async def read_some(answer: httpx.Response, most: int) -> bytes:
    """The first bytes of the body, `most` of them at most."""
    body = b""
    async with aclosing(_bytes(answer)) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > most:
                break
    return body[:most]


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**31 else None


def _safe(detail: str, target: Target) -> str:
    """Short, storable, and without the key, which some servers send back."""
    if target.secret:
        detail = detail.replace(target.secret, "[key]")
    return storable(detail)[:MAX_DETAIL]


def storable(text: str) -> str:
    """What PostgreSQL and UTF-8 cannot hold becomes U+FFFD."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
