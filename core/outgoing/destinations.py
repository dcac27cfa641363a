"""Where we may connect to: names are resolved once, and what they lead to is looked at before use.

A company writes the addresses, so an address could be meant for what only we can reach: another
service of this machine, the cloud's metadata. The check and the connection see the same answer.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override  # typing has it from 3.12

_NAT64 = ip_network("64:ff9b::/96")
_METADATA = frozenset(
    {
        ip_address("169.254.169.254"),
        ip_address("100.100.100.200"),
        ip_address("192.0.0.192"),
        ip_address("fd00:ec2::254"),
    }
)
"""What clouds tell their machines, keys included: nobody's webhook ever lives there."""

_RESOLVE_S = 4.0


class Forbidden(OSError):
    """This address is not for webhooks."""


def written_well(url: str, *, private: bool) -> str:
    """The address if it can be one; raises ValueError with what to change."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise ValueError("a webhook goes to https://… (http only with `private: true`)")
    if not parts.hostname or parts.username is not None or parts.fragment:
        raise ValueError("write it as https://host/path, without a user or a fragment")
    if parts.port == 0:
        raise ValueError("port 0 is no port")
    literal = _literal(parts.hostname)
    if literal is not None and not allowed(literal, private=private):
        raise ValueError("this address is not for webhooks (a private one needs `private: true`)")
    return url


def allowed(address: IPv4Address | IPv6Address, *, private: bool) -> bool:
    """May a webhook go there?"""
    led_to: Sequence[IPv4Address | IPv6Address] = _inside(address) or [address]
    for seen in led_to:
        if seen in _METADATA or seen.is_link_local or seen.is_multicast or seen.is_unspecified:
            return False
        if not private and (not seen.is_global or seen.is_reserved):
            return False
    return True


def check_literal(url: str, *, private: bool) -> None:
    """Raises Forbidden for an address that is written in digits: no resolver is asked about it."""
    literal = _literal(urlsplit(url).hostname or "")
    if literal is not None and not allowed(literal, private=private):
        raise Forbidden("not for webhooks")


class GuardedResolver(AbstractResolver):
    """Answers only addresses that a webhook may go to; the connector uses exactly these."""

    def __init__(self, *, private: bool) -> None:
        self._private = private

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        async with asyncio.timeout(_RESOLVE_S):
            found: list[Any] = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM, family=family
            )
        results = [
            ResolveResult(
                hostname=host,
                host=str(where[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, protocol, _, where in found
        ]
        # One bad address among good ones is a trap, not a choice.
        if not results or not all(
            allowed(ip_address(one["host"].split("%", 1)[0]), private=self._private)
            for one in results
        ):
            raise Forbidden("not for webhooks")
        return results

    @override
    async def close(self) -> None:
        """Nothing is held open."""


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _inside(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 one carries: they are where it really leads."""
    if isinstance(address, IPv4Address):
        return []
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        carried.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in carried if one is not None]
