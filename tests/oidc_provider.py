"""A small provider of OpenID Connect on the loopback: real addresses, keys, codes and tokens.

It holds Tandem to the protocol, too: a code is good once, for the client, the address and the
PKCE challenge that it was given to.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT_ID = "tandem"
SECRET = "a secret of both"
KEY_ID = "key-1"


@cache
def key(number: int) -> rsa.RSAPrivateKey:
    """Key 1 is the provider's; others are somebody else's."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider(ThreadingHTTPServer):
    """`person` is who is signed in there: their claims.

    `alter(claims)` changes what a token says, `sign(claims)` how it is signed; `userinfo` is told
    at that address; `refuses` is an error to send people back with, and `broken` paths answer 500.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.person: dict[str, Any] = {"sub": "person-1"}
        self.userinfo: dict[str, Any] | None = None
        self.alter: Callable[[dict[str, Any]], None] = lambda claims: None
        self.sign: Callable[[dict[str, Any]], str | None] = signed
        self.refuses = ""
        self.broken: set[str] = set()
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address) -> None:
        """Those that hang up are part of the play."""


def signed(claims: dict[str, Any]) -> str:
    """As the provider does."""
    return jwt.encode(claims, key(1), algorithm="RS256", headers={"kid": KEY_ID})


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.server.asked.append(url.path)
        if url.path in self.server.broken:
            return self.answer(500, {"error": "broken"})
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        issuer = self.server.issuer
        if url.path == "/.well-known/openid-configuration":
            description = {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }
            if self.server.userinfo is not None:
                description["userinfo_endpoint"] = f"{issuer}/userinfo"
            return self.answer(200, description)
        if url.path == "/keys":
            public = json.loads(RSAAlgorithm.to_jwk(key(1).public_key()))
            return self.answer(200, {"keys": [{**public, "kid": KEY_ID, "use": "sig"}]})
        if url.path == "/userinfo" and self.headers["Authorization"] == "Bearer access":
            return self.answer(200, self.server.userinfo or {})
        if url.path == "/authorize":
            return self.authorize(asked)
        return self.answer(404, {"error": "not_found"})

    def authorize(self, asked: dict[str, str]) -> None:
        """The person is signed in here, and says yes at once."""
        wanted = {"client_id": CLIENT_ID, "response_type": "code", "code_challenge_method": "S256"}
        if {**asked, **wanted} != asked or "openid" not in asked["scope"].split():
            return self.answer(400, {"error": "invalid_request", "asked": asked})
        back = {"state": asked["state"]}
        if self.server.refuses:
            back["error"] = self.server.refuses
        else:
            back["code"] = secrets.token_urlsafe()
            self.server.codes[back["code"]] = asked
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?{urlencode(back)}")
        self.send_header("Content-Length", "0")
        return self.end_headers()

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent = {name: values[0] for name, values in parse_qs(body).items()}
        if self.path in self.server.broken:
            return self.answer(500, {"error": "broken"})
        credentials = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
        if self.headers["Authorization"] != f"Basic {credentials}":
            return self.answer(401, {"error": "invalid_client"})
        asked = self.server.codes.pop(sent.get("code", ""), None)
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or sent.get("redirect_uri") != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            return self.answer(400, {"error": "invalid_grant"})
        now = int(time.time())
        claims = {
            "iss": self.server.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.server.person,
        }
        self.server.alter(claims)
        tokens = {"access_token": "access", "token_type": "Bearer", "expires_in": 300}
        id_token = self.server.sign(claims)
        if id_token is not None:
            tokens["id_token"] = id_token
        return self.answer(200, tokens)

    def answer(self, status: int, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def serve_provider() -> Iterator[Provider]:
    """The provider, until the block ends."""
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
