"""Which addresses models may have, and where a request then goes."""

import asyncio
import socket

import pytest

from annotate.chat.addresses import clean_base_url, resolve
from annotate.chat.failures import ModelFailure
from annotate.chat.keys import clean_key_name, read_keys
from annotate.inputs import InvalidValue
from tests.annotate.chat.running import run_alone

LISTED = ("127.0.0.1:8001", "models.internal", "[::1]")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.example.com/v1/", "https://api.example.com/v1"),
        ("https://api.example.com", "https://api.example.com"),
        ("http://127.0.0.1:8001/v1", "http://127.0.0.1:8001/v1"),
        ("http://models.internal:9/v1", "http://models.internal:9/v1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://8.8.8.8/v1", "https://8.8.8.8/v1"),
    ],
)
def test_addresses_that_are_taken(given, kept):
    assert clean_base_url("base_url", given, private_hosts=LISTED) == kept


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "empty"),
        ("api.example.com/v1", "must be a URL"),
        ("file:///etc/passwd", "must be a URL"),
        ("gopher://api.example.com", "must be a URL"),
        ("https://", "must be a URL"),
        ("https://api.example.com:99999", "no URL"),
        ("https://api.example.com:0", "must be a URL"),
        ("http://api.example.com/v1", "https"),
        ("http://127.0.0.1:8002/v1", "https"),
        ("https://127.0.0.1/v1", "private network"),
        ("https://10.0.0.1/v1", "private network"),
        ("https://169.254.169.254/latest", "private network"),
        ("https://[::ffff:10.0.0.1]/", "private network"),
        ("https://[64:ff9b::a00:1]/", "private network"),
        ("https://[fe80::1]/", "private network"),
        ("https://[64:ff9b:1::a00:1]/", "private network"),
        ("https://[::10.0.0.1]/", "private network"),
        ("https://192.0.0.192/", "private network"),
        ("https://api.example.com/v1/../other", "step of its path"),
        ("https://api.example.com/v1/%2e%2E/other", "step of its path"),
        ("https://me:secret@api.example.com", "password"),
        ("https://api.example.com/v1?key=3", "without ?"),
        ("https://api.example.com/v1#x", "without ?"),
        ("https://api.example.com/v1/chat/completions", "leave out"),
        ("https://api.example.com/a b", "characters"),
        ("https://exämple.com", "characters"),
        ("https://api.example.com\n.evil", "one line"),
    ],
)
def test_addresses_that_are_refused(given, says):
    with pytest.raises(InvalidValue, match="base_url") as caught:
        clean_base_url("base_url", given, private_hosts=LISTED)
    assert says in caught.value.message


def answering(*ips: str):
    def getaddrinfo(host, port, *_rest, **_more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ips]

    return getaddrinfo


def resolved(url: str):
    return run_alone(lambda: asyncio.run(resolve(url, private_hosts=LISTED)))


def test_the_request_goes_to_the_address_that_was_checked(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answering("93.184.216.34"))
    address = resolved("https://api.example.com/v1/chat/completions")
    assert address.url == "https://93.184.216.34:443/v1/chat/completions"
    assert address.host_header == "api.example.com"
    monkeypatch.setattr(socket, "getaddrinfo", answering("10.0.0.3"))
    assert resolved("http://models.internal:9/v1").url == "http://10.0.0.3:9/v1"
    assert resolved("http://models.internal:9/v1").host_header == "models.internal:9"


@pytest.mark.parametrize("ips", [["10.0.0.3"], ["93.184.216.34", "127.0.0.1"], ["0.0.0.0"]])
def test_a_name_that_leads_inside(monkeypatch, ips):
    monkeypatch.setattr(socket, "getaddrinfo", answering(*ips))
    with pytest.raises(ModelFailure) as caught:
        resolved("https://rebound.example.com/v1")
    assert caught.value.kind == "unreachable"
    assert "TANDEM_CHAT_PRIVATE_HOSTS" in caught.value.detail


def test_a_host_that_is_listed_no_more():
    with pytest.raises(ModelFailure):
        resolved("http://127.0.0.1:8002/v1")


def test_keys_are_bound_to_their_address():
    keys = read_keys({"TANDEM_CHAT_KEY_BIG": "https://api.example.com/v1/ sk-1", "PATH": "/bin"})
    assert list(keys) == ["BIG"]
    assert "sk-1" not in repr(keys)
    assert keys["BIG"].opens("https://api.example.com/v1")
    for other in (
        "https://api.example.com/v12",
        "https://evil.example",
        "http://api.example.com/v1",
    ):
        assert not keys["BIG"].opens(other)
        with pytest.raises(InvalidValue, match="key_name"):
            clean_key_name("key_name", "BIG", base_url=other, keys=keys)
    fitting = "https://api.example.com/v1"
    assert clean_key_name("key_name", "BIG", base_url=fitting, keys=keys) == "BIG"
    assert clean_key_name("key_name", "", base_url=fitting, keys=keys) == ""


@pytest.mark.parametrize("value", ["sk-1", "ftp://x sk-1", "https://x a b", "https://x"])
def test_keys_that_are_written_wrongly(value):
    with pytest.raises(ValueError, match="TANDEM_CHAT_KEY_A") as caught:
        read_keys({"TANDEM_CHAT_KEY_A": value})
    assert "sk-1" not in str(caught.value)
