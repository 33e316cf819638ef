"""Signatures, against the example of the Standard Webhooks libraries."""

import base64

from annotate.webhooks.signing import new_secret, sign, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_example():
    assert sign(SECRET, *MESSAGE) == SIGNATURE


def test_two_secrets_two_signatures_the_new_one_first():
    other = new_secret()
    headers = signed_headers([other, SECRET], *MESSAGE)
    assert headers["webhook-id"] == MESSAGE[0]
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == f"{sign(other, *MESSAGE)} {SIGNATURE}"


def test_a_secret_has_256_bits_and_none_is_given_twice():
    made = {new_secret() for _ in range(50)}
    assert len(made) == 50
    assert {len(base64.b64decode(one.removeprefix("whsec_"))) for one in made} == {32}
