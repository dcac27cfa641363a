"""Platforms that sign what they send; each is compared in constant time."""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit, urlunsplit

JAMBONZ_TOLERANCE_S = 300
_STANDARD_PORTS = {"https": 443, "http": 80}


class Signer(StrEnum):
    """Whose signatures a line's secrets can check."""

    TWILIO = "twilio"
    JAMBONZ = "jambonz"


# Webhooks signed with a shared key say how; without it the account's auth token signs, with SHA-1.
TWILIO_SETTINGS = "X-Twilio-Webhooks-Signature-Settings"
HEADERS = {Signer.TWILIO: "X-Twilio-Signature", Signer.JAMBONZ: "Jambonz-Signature"}


def signed(
    headers: Mapping[str, str],
    secrets: Mapping[Signer, Sequence[str]],
    *,
    url: str,
    body: bytes,
    now: datetime,
) -> bool:
    """Did a platform that holds one of the line's secrets send this?"""
    return any(
        _fits(signer, headers, secret, url=url, body=body, now=now)
        for signer, name in HEADERS.items()
        if name in headers
        for secret in secrets.get(signer, ())
    )


def twilio_signature(
    url: str, pairs: Sequence[tuple[str, str]], token: str, algorithm: str = "sha1"
) -> str:
    """HMAC over the address and the sorted form (twilio.com/docs/usage/security)."""
    text = url + "".join(name + value for name, value in sorted(set(pairs)))
    digest = hmac.new(token.encode(), text.encode("utf-8", "surrogatepass"), algorithm).digest()
    return base64.b64encode(digest).decode()


def jambonz_signature(body: bytes, moment: int, secret: str) -> str:
    """HMAC-SHA256 over `moment.body` (docs.jambonz.org, securing webhooks)."""
    signed_text = str(moment).encode() + b"." + body
    return hmac.new(secret.encode(), signed_text, hashlib.sha256).hexdigest()


def _fits(
    signer: Signer, headers: Mapping[str, str], secret: str, *, url: str, body: bytes, now: datetime
) -> bool:
    header = headers[HEADERS[signer]]
    match signer:
        case Signer.TWILIO:
            stronger = "algorithm=HMAC_SHA256" in headers.get(TWILIO_SETTINGS, "")
            how, pairs = "sha256" if stronger else "sha1", _form(body)
            return any(
                _same(twilio_signature(at, pairs, secret, how), header) for at in _spellings(url)
            )
        case Signer.JAMBONZ:
            return _jambonz(header, secret, body, now)


def _jambonz(header: str, secret: str, body: bytes, now: datetime) -> bool:
    """`t=…,v1=…`, with several `v1` while a secret is changed."""
    parts = [part.strip().partition("=")[::2] for part in header.split(",")]
    moment = next((value for name, value in parts if name == "t"), "")
    if not (moment.isascii() and moment.isdigit() and len(moment) <= 12):  # noqa: PLR2004 - seconds
        return False
    if abs(now.timestamp() - int(moment)) > JAMBONZ_TOLERANCE_S:
        return False
    expected = jambonz_signature(body, int(moment), secret)
    return any(_same(expected, value) for name, value in parts if name == "v1")


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    except ValueError:
        return []


def _spellings(url: str) -> Iterator[str]:
    """Twilio signs some addresses with their standard port and some without."""
    yield url
    parts = urlsplit(url)
    standard = _STANDARD_PORTS.get(parts.scheme)
    if parts.port is None and standard is not None:
        yield urlunsplit(parts._replace(netloc=f"{parts.netloc}:{standard}"))
    elif parts.port is not None:
        yield urlunsplit(parts._replace(netloc=parts.netloc.rpartition(":")[0]))


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
