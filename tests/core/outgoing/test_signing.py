"""The signature is the convention's: its own published vector, and receivers' own code."""

import base64

import pytest

from core.outgoing.signing import headers, key_of
from tests.fakes.crm import NEXT_SECRET, SECRET, genuine

# From the Standard Webhooks specification's reference libraries.
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
VECTOR_AT = 1614265330
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_vector_comes_out():
    told = headers(
        [VECTOR_SECRET],
        webhook_id=VECTOR_ID,
        timestamp=VECTOR_AT,
        body=VECTOR_BODY,
    )
    assert told == {
        "webhook-id": VECTOR_ID,
        "webhook-timestamp": str(VECTOR_AT),
        "webhook-signature": VECTOR_SIGNATURE,
    }


def test_while_secrets_change_both_sign(monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1_700_000_000)
    body = '{"имя":"Анна"}'.encode()
    told = headers([SECRET, NEXT_SECRET], webhook_id="msg_1", timestamp=1_700_000_000, body=body)
    assert genuine(SECRET, told, body)
    assert genuine(NEXT_SECRET, told, body)
    assert not genuine(SECRET, told, body + b" ")
    assert not genuine(SECRET, {**told, "webhook-id": "msg_2"}, body)


@pytest.mark.parametrize(
    "secret",
    ["plain words", "whsec_not base64!", "whsec_" + base64.b64encode(b"short").decode()],
)
def test_a_weak_or_broken_secret_is_refused(secret):
    with pytest.raises(ValueError, match=r"secret|base64"):
        key_of(secret)
