"""What the environment says of the provider, and what is refused."""

import pytest

from annotate.sign_in.provider import Provider, read_provider

GIVEN = {
    "TANDEM_OIDC_ISSUER": "https://login.example.org/realms/lab",
    "TANDEM_OIDC_CLIENT_ID": "tandem",
    "TANDEM_OIDC_SECRET": "hush",
}


def test_nothing_set_is_none() -> None:
    assert read_provider({}) is None
    assert read_provider({"TANDEM_OIDC_ISSUER": " ", "HOME": "/"}) is None


def test_what_is_not_said_has_a_default() -> None:
    provider = read_provider(GIVEN)
    assert provider == Provider(
        id="sso",
        name="login.example.org",
        issuer="https://login.example.org/realms/lab",
        client_id="tandem",
        secret="hush",
    )
    assert provider.sign_up == "nobody"
    assert "hush" not in repr(provider)
    assert provider.configuration_url == (
        "https://login.example.org/realms/lab/.well-known/openid-configuration"
    )


def test_the_secret_may_stand_in_a_file(tmp_path) -> None:
    path = tmp_path / "secret"
    path.write_text("from a file\n")
    given = {name: value for name, value in GIVEN.items() if name != "TANDEM_OIDC_SECRET"}
    found = read_provider({**given, "TANDEM_OIDC_SECRET_FILE": str(path)})
    assert found.secret == "from a file"
    path.write_text("\n")
    with pytest.raises(ValueError, match="is empty"):
        read_provider({**given, "TANDEM_OIDC_SECRET_FILE": str(path)})
    with pytest.raises(ValueError, match="cannot be read"):
        read_provider({**given, "TANDEM_OIDC_SECRET_FILE": str(tmp_path)})
    with pytest.raises(ValueError, match="Set one of"):
        read_provider(given)
    with pytest.raises(ValueError, match="Set one of"):
        read_provider({**GIVEN, "TANDEM_OIDC_SECRET_FILE": str(path)})


def test_addresses_of_domains_are_let_in() -> None:
    domains = {"TANDEM_OIDC_SIGN_UP": "domains", "TANDEM_OIDC_DOMAINS": "Example.org, b.example"}
    provider = read_provider({**GIVEN, **domains})
    assert provider.domains == ("example.org", "b.example")
    assert provider.lets_in("ada@EXAMPLE.org")
    for other in ("", "example.org.evil", "ada@evil.example.org", "ada@xexample.org"):
        assert not provider.lets_in(other)
    assert not read_provider(GIVEN).lets_in("ada@example.org")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"ISSUER": "http://login.example.org"}, "https:// address"),
        ({"ISSUER": "login.example.org"}, "https:// address"),
        ({"ISSUER": "https://a.example/?x=1"}, "https:// address"),
        ({"ISSUER": "https://a.example/.well-known/openid-configuration"}, "leave .* off"),
        ({"ISSUER": "https://a.example/" + "x" * 500}, "at most 500"),
        ({"ISSUER": ""}, "without TANDEM_OIDC_ISSUER"),
        ({"CLIENT_ID": ""}, "CLIENT_ID must be set"),
        ({"ID": "Lab/1"}, "small letters"),
        ({"NAME": "x" * 41}, "41 characters"),
        ({"SIGN_UP": "anybody"}, "nobody, invited, domains"),
        ({"SIGN_UP": "domains"}, "set both or neither"),
        ({"DOMAINS": "example.org"}, "set both or neither"),
        ({"SIGN_UP": "domains", "DOMAINS": "@example.org"}, "is no domain"),
        ({"SECRT": "x"}, "TANDEM_OIDC_SECRT is no setting"),
    ],
)
def test_what_is_wrong_is_said_with_its_remedy(changed, words) -> None:
    given = {**GIVEN, **{f"TANDEM_OIDC_{name}": value for name, value in changed.items()}}
    with pytest.raises(ValueError, match=words) as caught:
        read_provider(given)
    assert "hush" not in str(caught.value)


def test_plain_http_is_for_this_machine_alone() -> None:
    given = {**GIVEN, "TANDEM_OIDC_ISSUER": "http://127.0.0.1:8200"}
    assert read_provider(given).issuer == "http://127.0.0.1:8200"
