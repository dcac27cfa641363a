"""How a request without a person shows what it may do: a key, a signature, or where it comes from."""

import asyncio
import base64
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from aiohttp import web

from core.access import KeyHolder, Keys
from core.access.keys import Address, Network
from core.access.signing import KEY_HEADER, Signed, read_signed
from core.faults import Forbidden, Invalid, Refused, TooLarge, Unauthorized

KEYS = web.AppKey("KEYS", Keys)
TRUSTED_PROXIES: web.AppKey[Sequence[Network]] = web.AppKey("TRUSTED_PROXIES")
"""Whose word about where a request came from is taken."""

MAX_SIGNED = 1024 * 1024
"""So much of a body is read to check its signature; an address with less room says so afterwards."""

ARRIVES_WITHIN_S = 30.0
"""A body that takes longer is held back on purpose, and so would be a hand of ours."""

_KEY_HOLDER: web.RequestKey[KeyHolder] = web.RequestKey("key_holder", KeyHolder)
_BODY: web.RequestKey[bytes] = web.RequestKey("body", bytes)


class TooSlow(Refused, status=408, code="too_slow"):
    """The body did not arrive in time."""


class AddressForbidden(Forbidden, code="line_or_ip_forbidden"):
    """This key may not be used from this address."""


def shows_key(request: web.Request) -> bool:
    """Does it come with a key or a signature, right or wrong?"""
    return "Authorization" in request.headers or KEY_HEADER in request.headers


async def require_key(
    request: web.Request, scope: str | None, *, key: str | None = None
) -> KeyHolder:
    """Whose request this is; raises Unauthorized, or Forbidden for this address or scope.

    `key` is one that was found elsewhere than in a header, where the platform leaves no other way.
    Without key and signature, an address that needs none stands for itself.
    """
    signed = None
    if key is None and KEY_HEADER in request.headers:
        signed = await _signed(request)
        holder = await request.app[KEYS].signed(signed)
    else:
        holder = await _shown(request, key)
    if not await request.app[KEYS].admit(holder, client_address(request)):
        raise AddressForbidden
    if scope is not None and scope not in holder.scopes:
        raise Forbidden(f"This key does not open {scope}.")
    if signed is not None:
        # Last, so that only what would be let in can spend anything.
        await request.app[KEYS].spend(holder, signed.nonce)
    request[_KEY_HOLDER] = holder
    return holder


def key_holder(request: web.Request) -> KeyHolder:
    """Whose key it was, after the endpoint's check."""
    return request[_KEY_HOLDER]


def client_address(request: web.Request) -> Address | None:
    """Where a request comes from: the nearest hop that is no proxy of ours; None when nobody can tell.

    X-Forwarded-For is read from the right, as each of our proxies wrote down whom it had heard from:
    what a client writes there itself stands further left and is never reached.
    """
    trusted = request.app.get(TRUSTED_PROXIES, ())
    address = address_of(request.remote or "")
    told = [
        hop for line in request.headers.getall("X-Forwarded-For", ()) for hop in line.split(",")
    ]
    while told and address is not None and any(address in network for network in trusted):
        address = address_of(told.pop())
    return address


def networks(text: str) -> Sequence[Network]:
    """`10.0.0.0/8, 2001:db8::/32`; ValueError for what is none."""
    return [ip_network(part.strip()) for part in text.split(",") if part.strip()]


async def read_limited(request: web.Request, limit: int) -> bytes:
    """The body, refused as soon as it is known to be too long, however often it is asked for."""
    read: bytes | None = request.get(_BODY)
    if read is None:
        read = request[_BODY] = await read_once(request, limit)
    elif len(read) > limit:
        raise TooLarge(f"The body may have {limit} bytes.")
    return read


async def read_once(request: web.Request, limit: int) -> bytes:
    """The same where nobody asks for it again, and nothing is kept."""
    length = request.content_length
    if length is not None and length > limit:
        raise TooLarge(f"The body may have {limit} bytes.")
    try:
        if length and request.content.is_eof():
            # Nearly always all of it came with the headers, and there is nothing to wait for.
            read = request.content.read_nowait()
        else:
            async with asyncio.timeout(ARRIVES_WITHIN_S):
                read = await _read(request, limit)
    except TimeoutError:
        raise TooSlow from None
    except web.RequestPayloadError:
        # From nothing: aiohttp's own words quote what was sent.
        raise Invalid("The body is not encoded as its headers say.") from None
    if len(read) > limit:
        raise TooLarge(f"The body may have {limit} bytes.")
    return read


async def _read(request: web.Request, limit: int) -> bytes:
    """No more of it than shows that it is too long."""
    chunks = bytearray()
    async for chunk in request.content.iter_any():
        chunks += chunk
        if len(chunks) > limit:
            break
    return bytes(chunks)


async def _signed(request: web.Request) -> Signed:
    """What the request's signature covers; whoever cannot say what one looks like is not read."""
    headers, method, target = request.headers, request.method, request.raw_path
    if read_signed(headers, method=method, target=target, body=b"") is None:
        raise Unauthorized("Send the four X-IVR-Bridge headers of a signed request.")
    body = await read_limited(request, MAX_SIGNED)
    signed = read_signed(headers, method=method, target=target, body=body)
    assert signed is not None, "the headers are the same as a moment ago"  # noqa: S101
    return signed


async def _shown(request: web.Request, key: str | None) -> KeyHolder:
    keys = request.app[KEYS]
    shown = key or _key_of(request.headers.get("Authorization", ""))
    if shown is not None:
        holder = await keys.find(shown)
    else:
        address = None if shows_key(request) else client_address(request)
        holder = None if address is None else await keys.by_address(address)
    if holder is None:
        raise Unauthorized("Send a valid key: Authorization: Bearer …")
    return holder


def _key_of(header: str) -> str | None:
    """The key in `Bearer …`, or the password of `Basic …`."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(value.strip(), validate=True).decode()
        except ValueError:
            return None
        return decoded.partition(":")[2] or None
    return None


@lru_cache(maxsize=1024)
def address_of(text: str) -> Address | None:
    """An address as sockets and proxies write it: with a port, in brackets, mapped, with a zone."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
