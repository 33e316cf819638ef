"""One request to a real server on the loopback."""

import pytest

from annotate.webhooks.sending import EXCERPT_CHARS, send
from tests.webhook_server import serve_webhooks


def post(receiver, url: str | None = None, **options):
    options.setdefault("private_hosts", ["127.0.0.1"])
    return send(url or receiver.url, b'{"a": 1}', {"webhook-id": "evt_1"}, **options)


def test_it_is_posted_with_its_query_and_headers(receiver):
    answer = post(receiver)
    assert (answer.status, answer.is_taken, answer.why) == (204, True, None)
    [message] = receiver.messages
    assert (message.path, message.body) == ("/hooks?from=tandem", b'{"a": 1}')
    assert message.id == "evt_1"
    assert message.headers["content-type"] == "application/json"
    assert message.headers["host"] == f"127.0.0.1:{receiver.server_port}"


@pytest.mark.parametrize(
    ("status", "is_away", "is_gone"),
    [(400, False, False), (410, False, True), (429, True, False), (503, True, False)],
)
def test_other_answers_are_failures(receiver, status, is_away, is_gone):
    receiver.script = lambda handler: handler.answer(status, b"no\0t now", Retry_After="77")
    answer = post(receiver)
    assert not answer.is_taken
    assert (answer.status, answer.is_away, answer.is_gone) == (status, is_away, is_gone)
    assert (answer.excerpt, answer.retry_after) == ("no\ufffdt now", 77)
    assert str(status) in answer.why.message


def test_a_redirect_is_not_followed(receiver):
    with serve_webhooks() as elsewhere:
        receiver.script = lambda handler: handler.answer(307, Location=elsewhere.url)
        answer = post(receiver)
        assert elsewhere.messages == []
    assert (answer.status, answer.is_taken) == (307, False)
    assert "not followed" in answer.why.message


def test_an_answer_without_end_is_read_to_its_excerpt(receiver):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        while not handler.server.ending.is_set():
            handler.wfile.write(b"and on " * 1000)

    receiver.script = endless
    answer = post(receiver)
    assert answer.is_taken
    assert len(answer.excerpt) == EXCERPT_CHARS


def test_one_that_says_nothing_is_given_up(receiver):
    receiver.script = lambda handler: handler.server.ending.wait(60)
    answer = post(receiver, patience=0.2)
    assert (answer.status, answer.is_away) == (None, True)
    assert answer.why.message == "no answer within 0.2 s"


def test_one_that_hangs_up_and_one_that_is_not_there(receiver):
    receiver.script = lambda handler: None
    assert "no connection" in post(receiver).why.message
    with serve_webhooks() as gone:
        url = gone.url
    answer = post(receiver, url)
    assert answer.is_away
    assert "ConnectError" in answer.why.message


def test_private_addresses_must_be_listed(receiver):
    answer = post(receiver, private_hosts=[])
    assert receiver.messages == []
    assert "TANDEM_WEBHOOK_PRIVATE_HOSTS" in answer.why.message
    answer = post(receiver, "https://10.0.0.1/", private_hosts=["127.0.0.1"])
    assert "private network" in answer.why.message
