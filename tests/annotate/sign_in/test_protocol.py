"""What does not hold opens nothing: states, tokens, and a provider that is away."""

import base64
import json

import httpx
import jwt
import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import ProviderIdentity
from tests.oidc_provider import CLIENT_ID, KEY_ID, SECRET, key, signed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ada(make_user, server):
    """Whose account would open."""
    user = make_user("ada")
    ProviderIdentity.objects.create(
        user=user, issuer=server.issuer, subject=server.person["sub"], label=""
    )
    return user


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def by_another_key(claims: dict) -> str:
    return jwt.encode(claims, key(2), algorithm="RS256", headers={"kid": KEY_ID})


def by_an_unknown_key(claims: dict) -> str:
    return jwt.encode(claims, key(2), algorithm="RS256", headers={"kid": "key-2"})


def by_the_secret(claims: dict) -> str:
    return jwt.encode(claims, SECRET * 4, algorithm="HS256", headers={"kid": KEY_ID})


def by_nobody(claims: dict) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": KEY_ID})


def changed_afterwards(claims: dict) -> str:
    header, body, signature = signed({**claims, "sub": "eve"}).split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return ".".join((header, body, signature))


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        (by_another_key, "is not signed by The Lab"),
        (by_an_unknown_key, "is not signed by The Lab"),
        (by_the_secret, "is not signed by The Lab"),
        (by_nobody, "is not signed by The Lab"),
        (changed_afterwards, "is not signed by The Lab"),
        (lambda claims: "no.token", "cannot be read"),
        (lambda claims: None, "cannot be read"),
    ],
)
def test_tokens_must_be_signed_by_the_provider(client, server, through, sign, words) -> None:
    server.sign = sign
    answer = through(client)
    assert answer.status_code == 502
    assert words in answer.content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"exp": 1_700_000_000}, "is not good at this time"),
        ({"nonce": "another"}, "belongs to another sign-in"),
        ({"nonce": None}, "belongs to another sign-in"),
        ({"aud": "another program"}, "meant for another program"),
        ({"aud": [CLIENT_ID, "another"]}, "meant for another program"),
        ({"azp": "another"}, "meant for another program"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"exp": None}, "cannot be read"),
        ({"sub": None}, "cannot be read"),
        ({"sub": 7}, "cannot be read"),
        ({"sub": "x" * 256}, "cannot be read"),
        ({"iat": 4_000_000_000}, "is not good at this time"),
    ],
)
def test_tokens_must_be_for_this_sign_in(client, server, through, claims, words) -> None:
    def alter(said: dict) -> None:
        said.update(claims)
        for name in [name for name, value in claims.items() if value is None]:
            del said[name]

    server.alter = alter
    answer = through(client)
    assert answer.status_code == 502
    assert words in answer.content.decode()
    assert not is_signed_in(client)


def test_several_audiences_name_the_party(client, server, through) -> None:
    server.alter = lambda said: said.update(aud=[CLIENT_ID, "another"], azp=CLIENT_ID)
    assert through(client).status_code == 302
    assert is_signed_in(client)


def test_a_sign_in_is_finished_once_where_it_was_begun(client, leave) -> None:
    back = leave(client)
    elsewhere = Client()
    for wrong in (elsewhere.get(back), client.get(back.replace("state=", "state=x"))):
        assert wrong.status_code == 400
        assert "begin it again" in wrong.content.decode()
    assert not is_signed_in(elsewhere)
    assert client.get(back).status_code == 302
    assert is_signed_in(client)
    client.logout()
    assert client.get(back).status_code == 400
    assert not is_signed_in(client)
    assert client.get(reverse("openid_connect_callback", args=["lab"])).status_code == 400


def test_it_is_begun_by_a_form_of_ours(lets_in) -> None:
    strict = Client(enforce_csrf_checks=True)
    begin = reverse("begin_sign_in", args=["lab"])
    assert strict.post(begin).status_code == 403
    assert strict.get(begin).status_code == 405
    assert strict.post(reverse("begin_sign_in", args=["other"])).status_code in (403, 404)
    assert Client().post(reverse("begin_sign_in", args=["other"])).status_code == 404


def test_who_said_no_there_is_told_so(client, server, through) -> None:
    server.refuses = "access_denied"
    answer = through(client)
    assert answer.status_code == 400
    assert "was told not to let you in here" in answer.content.decode()
    server.refuses = "server_error"
    answer = through(client)
    assert answer.status_code == 502
    assert "server_error" in answer.content.decode()


def test_a_provider_that_is_away_is_told_of(client, server, leave, settings) -> None:
    begin = reverse("begin_sign_in", args=["lab"])
    server.broken = {"/.well-known/openid-configuration"}
    answer = client.post(begin)
    assert answer.status_code == 502
    assert "The Lab does not answer as it should" in answer.content.decode()
    for path in ("/token", "/keys", "/.well-known/openid-configuration"):
        server.broken = set()
        back = leave(client)
        server.broken = {path}
        assert client.get(back).status_code == 502
    server.broken = set()
    back = leave(client)
    server.shutdown()
    server.server_close()
    assert client.get(back).status_code == 502
    assert client.post(begin).status_code == 502
    assert not is_signed_in(client)
    assert client.login(username="ada", password="correct horse battery")


def test_a_provider_of_another_issuer_is_refused(client, server, leave, settings) -> None:
    back = leave(client)
    settings.SIGN_IN = type(settings.SIGN_IN)(
        **{**vars(settings.SIGN_IN), "issuer": server.issuer.replace("127.0.0.1", "localhost")}
    )
    assert client.post(reverse("begin_sign_in", args=["lab"])).status_code == 502
    assert client.get(back).status_code == 502
    assert not is_signed_in(client)


def test_the_provider_holds_tandem_to_the_protocol(server, leave, client) -> None:
    """The secret, the code of one use and the PKCE challenge are asked for by the other side."""
    back = leave(client)
    code = back.partition("code=")[2].partition("&")[0]
    stolen = {"code": code, "grant_type": "authorization_code", "code_verifier": "guessed"}
    stolen["redirect_uri"] = f"http://testserver{reverse('openid_connect_callback', args=['lab'])}"
    answer = httpx.post(f"{server.issuer}/token", data=stolen, auth=(CLIENT_ID, SECRET))
    assert answer.status_code == 400
    assert client.get(back).status_code == 502  # the code is spent
