"""Signatures as the platforms make them, and nothing that only resembles one."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from ivr_bridge.dialects.signatures import TWILIO_SETTINGS, Signer, jambonz_signature, signed

URL = "https://calls.example/v1/l/demo/deflections?format=twiml&language=ru"
NOW = datetime(2026, 1, 10, 9, 0, tzinfo=UTC)
FORM = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=12), max_size=6).map(
    lambda form: {
        name.encode("utf-8", "ignore").decode(): value.encode("utf-8", "ignore").decode()
        for name, value in form.items()
    }
)


def twilio(headers: dict[str, str], *tokens: str, url: str = URL, body: bytes = b"") -> bool:
    return signed(headers, {Signer.TWILIO: tokens}, url=url, body=body, now=NOW)


@given(FORM)
def test_what_twilios_library_signs_is_accepted_and_nothing_else(form: dict[str, str]):
    form.pop("", None)
    body = urlencode(form).encode()
    signature = RequestValidator("token").compute_signature(URL, form)
    headers = {"X-Twilio-Signature": signature}
    assert twilio(headers, "token", body=body)
    assert twilio(headers, "new", "token", body=body)
    assert not twilio(headers, "other", body=body)
    assert not twilio(headers, body=body)
    assert not twilio(headers, "token", body=body + b"&Digits=1")
    assert not twilio(headers, "token", url=URL + "&answers=offer", body=body)


@pytest.mark.parametrize("port", ["", ":443", ":8443"])
def test_ports_are_signed_with_and_without(port: str):
    url = f"https://calls.example{port}/v1/l/demo/eligibility?format=twiml"
    headers = {"X-Twilio-Signature": RequestValidator("token").compute_signature(url, {})}
    ours = url.replace(port, "") if port == ":443" else url
    assert twilio(headers, "token", url=ours)


def test_a_shared_key_signs_with_sha256():
    signature = RequestValidator("token").compute_signature(URL, {"a": "b"}, "HMAC_SHA256")
    headers = {
        "X-Twilio-Signature": signature,
        TWILIO_SETTINGS: "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256",
    }
    assert twilio(headers, "token", body=b"a=b")
    assert not twilio({"X-Twilio-Signature": signature}, "token", body=b"a=b")


@pytest.mark.parametrize(
    ("header", "fits"),
    [
        ("t={now},v1={good}", True),
        ("t={now}, v1={bad}, v1={good}", True),
        ("t={now},v1={bad}", False),
        ("t={now},v0={good}", False),
        ("v1={good}", False),
        ("t=,v1={good}", False),
        ("t=-1,v1={good}", False),
        ("t=9" + "9" * 400 + ",v1={good}", False),
        ("t=\u0661,v1={good}", False),
        ("", False),
    ],
)
def test_a_jambonz_header_is_read_with_care(header: str, fits: bool):
    moment = int(NOW.timestamp())
    good = jambonz_signature(b"{}", moment, "secret")
    told = header.format(now=moment, good=good, bad="0" * 64)
    secrets = {Signer.JAMBONZ: ["secret"]}
    assert signed({"Jambonz-Signature": told}, secrets, url=URL, body=b"{}", now=NOW) is fits


@pytest.mark.parametrize(
    ("seconds", "fits"), [(299, True), (-299, True), (302, False), (-302, False)]
)
def test_a_jambonz_signature_grows_old(seconds: int, fits: bool):
    header = (
        f"t={int(NOW.timestamp())},v1={jambonz_signature(b'{}', int(NOW.timestamp()), 'secret')}"
    )
    later = NOW + timedelta(seconds=seconds)
    secrets = {Signer.JAMBONZ: ["secret"]}
    assert signed({"Jambonz-Signature": header}, secrets, url=URL, body=b"{}", now=later) is fits


def test_one_platforms_secret_is_not_anothers():
    moment = int(NOW.timestamp())
    header = {"Jambonz-Signature": f"t={moment},v1={jambonz_signature(b'', moment, 'token')}"}
    assert not twilio(header, "token")
