"""Clients of a live server."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from tandem_client import Client, Retries

from annotate.models import User
from annotate.services.people.tokens import issue_token
from tests.client.proxy import Proxy, serve_proxy

SCOPES = ["read", "annotate", "manage"]
# Without pauses, so that tests are quick.
AT_ONCE = Retries(first=0.0)


@pytest.fixture
def token_of() -> Callable[..., str]:
    """token_of(user, *scopes, expired=False) -> a token's secret."""

    def make(user: User, *scopes: str, expired: bool = False) -> str:
        token, secret = issue_token(user=user, scopes=list(scopes) or SCOPES)
        if expired:
            token.expires_at = timezone.now() - timedelta(seconds=1)
            token.save(update_fields=["expires_at"])
        return secret

    return make


@pytest.fixture
def ada(transactional_db, make_user) -> User:
    return make_user("ada")


@pytest.fixture
def client(live_server, ada, token_of) -> Iterator[Client]:
    """Ada's, straight to the server."""
    with Client(live_server.url, token_of(ada), retries=AT_ONCE) as client:
        yield client


@pytest.fixture
def proxy(live_server) -> Iterator[Proxy]:
    with serve_proxy(live_server.url) as proxy:
        yield proxy


@pytest.fixture
def through(proxy, ada, token_of) -> Iterator[Client]:
    """Ada's, over a wire that can be cut."""
    with Client(proxy.url, token_of(ada), retries=AT_ONCE) as client:
        yield client


@pytest.fixture
def project(client) -> int:
    """A project of Ada's, with four pairs to judge."""
    made = client.projects.create("Rivers", kind="pairwise", test_percent=25)
    client.imports.upload(made["id"], PAIRS, labels="tasks")
    return made["id"]


PAIRS = [
    {"prompt": f"Question {number}?", "chosen": f"Yes, {number}.", "rejected": f"No: {number}."}
    for number in range(4)
]
