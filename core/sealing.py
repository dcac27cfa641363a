"""Secrets at rest and tokens in links, both under SECRET_KEY."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
_MINIMUM_SECRET = 32


class Sealer:
    """Encrypts what the database must not show, and signs what a browser may carry."""

    def __init__(self, secret_key: str) -> None:
        if len(secret_key) < _MINIMUM_SECRET:
            raise ValueError(f"SECRET_KEY needs at least {_MINIMUM_SECRET} characters")
        root = secret_key.encode()
        self._aead = AESGCM(hashlib.sha256(b"seal" + root).digest())
        self._signing = hashlib.sha256(b"sign" + root).digest()

    def seal(self, value: Mapping[str, str]) -> bytes:
        """Encrypt a small mapping of secrets."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._aead.encrypt(nonce, json.dumps(dict(value)).encode(), None)

    def open(self, sealed: bytes) -> dict[str, str]:
        """Decrypt it; ValueError when SECRET_KEY is another one."""
        try:
            plain = self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        except InvalidTag as wrong:
            raise ValueError("sealed under another SECRET_KEY") from wrong
        opened: dict[str, str] = json.loads(plain)
        return opened

    def sign(self, claims: Mapping[str, Any], *, expires_at: datetime) -> str:
        """A token that carries these claims until then."""
        body = json.dumps({**claims, "exp": int(expires_at.timestamp())}, separators=(",", ":"))
        encoded = base64.urlsafe_b64encode(body.encode()).rstrip(b"=")
        return f"{encoded.decode()}.{self._signature(encoded)}"

    def claims(self, token: str, *, now: datetime) -> dict[str, Any] | None:
        """What a token carries, or None when it is not ours or too old."""
        encoded, _, signature = token.partition(".")
        if not token.isascii() or not hmac.compare_digest(
            signature, self._signature(encoded.encode())
        ):
            return None
        padded = encoded + "=" * (-len(encoded) % 4)
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(padded))
        return claims if claims["exp"] > now.timestamp() else None

    def _signature(self, encoded: bytes) -> str:
        digest = hmac.new(self._signing, encoded, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def token_hash(token: str) -> bytes:
    """How a random token is stored: it has entropy enough that a plain hash cannot be searched."""
    # Whoever guesses may send bytes that are no text.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
