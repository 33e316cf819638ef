"""A signed-in browser without a screen: cookies, the login form, CSRF, patience."""

import time
from typing import Any

import httpx

PATIENCE = 60.0  # seconds to wait for a server that is away
PAUSE = 0.25


class Refused(RuntimeError):
    """The server answered with an error that trying again does not mend."""


class Session:
    """One person's requests. Not to be shared between threads."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30, follow_redirects=False)

    def close(self) -> None:
        self._client.close()

    def log_in(self, username: str, password: str) -> None:
        """Through the login form. Raises Refused."""
        page = self._send("GET", "/login/")
        if page.status_code != 200:
            raise Refused(f"the login page answered {page.status_code}")
        form = {"username": username, "password": password, **self._csrf_field()}
        answer = self._send("POST", "/login/", data=form)
        if answer.status_code != 302:
            raise Refused(f"{username} could not log in ({answer.status_code})")

    def get(self, path: str) -> httpx.Response:
        return self._send("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        headers = {"X-CSRFToken": self._client.cookies.get("csrftoken", "")}
        return self._send("POST", path, json=body, headers=headers)

    def _csrf_field(self) -> dict[str, str]:
        return {"csrfmiddlewaretoken": self._client.cookies.get("csrftoken", "")}

    def _send(self, method: str, path: str, **parts: Any) -> httpx.Response:
        """Send, and again while the server is away: every request here may be repeated."""
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self._client.request(method, path, **parts)
            except httpx.TransportError as error:
                if time.monotonic() > give_up:
                    raise Refused(
                        f"no answer from {self._client.base_url} for {PATIENCE:.0f} s: {error}"
                    ) from error
            else:
                if answer.status_code not in (502, 503) or time.monotonic() > give_up:
                    return answer
            time.sleep(PAUSE)
