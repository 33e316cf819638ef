"""`python -m config.health [PORT]`: exit status 0 when the web answers /healthz with 200."""

import http.client
import os
import sys


def answers(host: str, port: int, *, seconds: float = 5) -> bool:
    """Whether /healthz answers 200 there. Names a host that ALLOWED_HOSTS lets through."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    allowed = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    connection = http.client.HTTPConnection(target, port, timeout=seconds)
    try:
        name = "localhost" if allowed in {"", "*"} else allowed
        connection.request("GET", "/healthz", headers={"Host": name})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if answers("127.0.0.1", int((sys.argv[1:] or ["8000"])[0])) else 1)
