"""The authorization code flow of OpenID Connect Core 1.0, with PKCE and a nonce.

django-allauth keeps the state in the session, builds the request and redeems the code. What it
leaves to TLS, the token's signature, and what it does not ask for, the nonce, is checked here.
"""

import logging
import secrets
from dataclasses import dataclass
from typing import Any

import jwt
import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from annotate.inputs import InvalidValue
from annotate.wording import translatable

logger = logging.getLogger(__name__)

# Signatures by a key pair: what only the provider can make.
ALGORITHMS = [f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)]
ALGORITHMS.append("EdDSA")
LEEWAY = 60  # seconds that the two servers' clocks may differ
MOST_SUBJECT = 255  # characters; OpenID Connect Core 1.0, section 2

UNREACHABLE = translatable("{name} does not answer as it should; try again later")
LOST = translatable(
    "this sign-in was begun in another browser, twice, or too long ago; begin it again"
)
CANCELLED = translatable(
    "{name} was told not to let you in here; begin again if you did not mean it"
)
REFUSED = translatable("{name} refused with “{error}”; ask whoever runs this server")
UNTIMELY = translatable(
    "what {name} says of you is not good at this time; begin again, and if it stays so ask whoever "
    "runs this server to compare the clocks"
)
UNSIGNED = translatable(
    "what {name} says of you is not signed by {name}; ask whoever runs this server"
)
FOREIGN = translatable(
    "what {name} says of you is meant for another program or comes from another issuer; ask "
    "whoever runs this server"
)
REPLAYED = translatable("what {name} says of you belongs to another sign-in; begin again")
UNREADABLE = translatable(
    "what {name} says of you cannot be read or lacks something; ask whoever runs this server"
)


class ProviderFailed(InvalidValue):
    """The provider is away, or what it says does not hold."""


class NotBegun(InvalidValue):
    """Nobody began this sign-in in this session; or the person ended it at the provider."""


@dataclass(frozen=True)
class Claims:
    """Who the provider says it is. `email` is one that it says it verified, or empty."""

    issuer: str
    subject: str
    email: str = ""
    username: str = ""
    first_name: str = ""
    last_name: str = ""

    @property
    def label(self) -> str:
        """What the person knows the identity by."""
        return self.email or self.username


def begin(request: HttpRequest, *, next_url: str = "", **remembered: object) -> str:
    """The provider's address to go to. `remembered`, JSON, comes back from `finish`.

    Raises ProviderFailed.
    """
    provider = _Protocol(request).get_provider()
    provider.oauth2_adapter_class = _Protocol
    nonce = secrets.token_urlsafe(24)
    try:
        answer = provider.redirect(
            request,
            process="login",
            next_url=next_url,
            data={**remembered, "nonce": nonce},
            auth_params={"nonce": nonce},
        )
    except requests.RequestException as error:
        raise _failed(UNREACHABLE, error) from error
    return answer["Location"]


def finish(request: HttpRequest) -> tuple[Claims, dict[str, Any]]:
    """Who came back from the provider, and what `begin` was to remember, with `next` in it.

    Each sign-in is finished once. Raises NotBegun, ProviderFailed.
    """
    protocol = _Protocol(request)
    provider = protocol.get_provider()
    try:
        state = provider.unstash_redirect_state(request, request.GET.get("state", ""))
    except PermissionDenied as error:
        raise NotBegun("state", LOST) from error
    error = request.GET.get("error", "")
    if error == "access_denied":
        raise NotBegun("provider", CANCELLED, name=settings.SIGN_IN.name)
    if error or not request.GET.get("code"):
        raise ProviderFailed(
            "provider", REFUSED, name=settings.SIGN_IN.name, error=error[:100] or "no code"
        )
    remembered = state["data"]
    nonce = remembered.pop("nonce")
    try:
        claims = protocol.claims_of(request, state["pkce_code_verifier"], nonce)
    except (requests.RequestException, OAuth2Error) as error:
        raise _failed(UNREACHABLE, error) from error
    return claims, {**remembered, "next": state.get("next", "")}


class _Protocol(OpenIDConnectOAuth2Adapter):
    """One exchange with the provider of the settings."""

    def __init__(self, request: HttpRequest, provider_id: str = "") -> None:
        super().__init__(request, provider_id or settings.SIGN_IN.id)

    @property
    def openid_config(self) -> dict[str, Any]:
        """The provider's description, whose issuer must be the one of the settings."""
        if not hasattr(self, "_openid_config"):
            ours = settings.SIGN_IN
            said = _fetch(ours.configuration_url)
            wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if lacking := [name for name in wanted if not isinstance(said.get(name), str)]:
                raise _failed(UNREADABLE, f"its description lacks {', '.join(lacking)}")
            if said.get("issuer") != ours.issuer:
                raise _failed(FOREIGN, f"its issuer is {said.get('issuer')!r}")
            self._openid_config = said
        return self._openid_config

    def claims_of(self, request: HttpRequest, verifier: str, nonce: str) -> Claims:
        """Redeem the code, and read what is said of the person."""
        app = self.get_provider().app
        client = self.get_client(request, app)
        try:
            answer = self.get_access_token_data(request, app, client, pkce_code_verifier=verifier)
        except KeyError as error:  # allauth counts on an answer's content type
            raise _failed(UNREACHABLE, f"its answer lacks {error}") from error
        said = self._verified(answer.get("id_token"), nonce)
        if "email" not in said and isinstance(self.openid_config.get("userinfo_endpoint"), str):
            more = _fetch(self.profile_url, token=str(answer["access_token"]))
            if more.get("sub") != said["sub"]:
                raise _failed(FOREIGN, "userinfo is of another subject")
            said = {**more, **said}
        return _read(said)

    def _verified(self, token: object, nonce: str) -> dict[str, Any]:
        ours = settings.SIGN_IN
        try:
            if not isinstance(token, str):
                raise jwt.DecodeError("there is no id_token")
            said = jwt.decode(
                token,
                self._key(jwt.get_unverified_header(token)),
                algorithms=ALGORITHMS,
                issuer=ours.issuer,
                audience=ours.client_id,
                leeway=LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
            raise _failed(UNTIMELY, error) from error
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, jwt.InvalidKeyError) as error:
            raise _failed(UNSIGNED, error) from error
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError) as error:
            raise _failed(FOREIGN, error) from error
        except jwt.PyJWTError as error:
            raise _failed(UNREADABLE, error) from error
        is_shared = said["aud"] not in (ours.client_id, [ours.client_id])
        party = said.get("azp", "nobody" if is_shared else ours.client_id)
        if party != ours.client_id:
            raise _failed(FOREIGN, f"its authorized party is {party!r}")
        if not constant_time_compare(str(said.get("nonce", "")), nonce):
            raise _failed(REPLAYED, "its nonce is not ours")
        return said

    def _key(self, header: dict[str, Any]) -> Any:
        """The provider's key that the token names; the only one where it names none."""
        keys = jwt.PyJWKSet.from_dict(_fetch(self.openid_config["jwks_uri"])).keys
        keys = [key for key in keys if key.public_key_use != "enc"]
        if header.get("kid") is not None:
            keys = [key for key in keys if key.key_id == header["kid"]]
        if len(keys) != 1:
            raise jwt.InvalidKeyError(f"{len(keys)} keys fit its kid {header.get('kid')!r}")
        return keys[0].key


def _fetch(url: str, token: str = "") -> dict[str, Any]:
    """A JSON object of the provider. Raises requests.RequestException, ProviderFailed."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with get_adapter().get_requests_session() as session:
        answer = session.get(url, headers=headers)
        answer.raise_for_status()
        said = answer.json()
    if not isinstance(said, dict):
        raise _failed(UNREADABLE, f"{url} is no JSON object")
    return said


def _read(said: dict[str, Any]) -> Claims:
    if not isinstance(said["sub"], str) or not 0 < len(said["sub"]) <= MOST_SUBJECT:
        raise _failed(UNREADABLE, "its subject is no text of 1 to 255 characters")
    is_verified = said.get("email_verified") in (True, "true")
    return Claims(
        issuer=settings.SIGN_IN.issuer,
        subject=said["sub"],
        email=_email(said) if is_verified else "",
        username=_text(said, "preferred_username", 254),
        first_name=_text(said, "given_name", 150),
        last_name=_text(said, "family_name", 150),
    )


def _text(said: dict[str, Any], name: str, most: int) -> str:
    """One line, shortened; empty where there is no text."""
    value = said.get(name)
    if not isinstance(value, str):
        return ""
    return "".join(letter for letter in value if letter.isprintable()).strip()[:most]


def _email(said: dict[str, Any]) -> str:
    email = _text(said, "email", 255)
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email if len(email) <= 254 else ""


def _failed(reason: str, detail: object) -> ProviderFailed:
    """The person reads the reason; whoever runs the server finds the detail in the log."""
    logger.warning("sign-in by %s failed: %s", settings.SIGN_IN.id, detail)
    return ProviderFailed("provider", reason, name=settings.SIGN_IN.name)
