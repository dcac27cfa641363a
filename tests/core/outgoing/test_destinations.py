"""Where a webhook may go: the world by default, our own net when an endpoint says so, metadata never."""

import socket
from ipaddress import ip_address

import pytest

from core.outgoing.destinations import Forbidden, GuardedResolver, allowed, written_well

INSIDE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.9",
    "192.168.1.1",
    "::1",
    "fd12::1",
    "100.64.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]
NEVER = ["169.254.169.254", "169.254.7.7", "fe80::1", "::", "224.0.0.1", "fd00:ec2::254"]
NEVER += ["::ffff:169.254.169.254", "100.100.100.200"]


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_the_world_is_open(address):
    assert allowed(ip_address(address), private=False)


@pytest.mark.parametrize("address", INSIDE)
def test_our_own_net_only_for_endpoints_that_say_so(address):
    assert not allowed(ip_address(address), private=False)
    assert allowed(ip_address(address), private=True)


@pytest.mark.parametrize("address", NEVER)
def test_what_clouds_tell_their_machines_is_never_a_webhook(address):
    assert not allowed(ip_address(address), private=False)
    assert not allowed(ip_address(address), private=True)


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://example.com/", False),
        ("ftp://example.com/", True),
        ("https://user:pass@example.com/", False),
        ("https:///path", False),
        ("https://127.0.0.1/", False),
        ("https://[::1]/", False),
        ("http://169.254.169.254/latest", True),
        ("https://example.com/#part", False),
    ],
)
def test_an_address_that_cannot_be_is_refused_when_it_is_written(url, private):
    with pytest.raises(ValueError, match=r"https|address|write"):
        written_well(url, private=private)


def test_good_addresses_are_taken_as_they_are():
    assert written_well("https://crm.example.com:8443/in?x=1", private=False)
    assert written_well("http://127.0.0.1:9/x", private=True)


async def test_a_name_that_leads_inside_is_not_connected_to(monkeypatch):
    """One private answer among public ones is enough: it is a trap."""

    async def answers(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (where, 443))
            for where in ("93.184.216.34", "10.0.0.5")
        ]

    import asyncio

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answers, raising=False)
    with pytest.raises(Forbidden):
        await GuardedResolver(private=False).resolve("crm.example.com", 443)
    found = await GuardedResolver(private=True).resolve("crm.example.com", 443)
    assert [one["host"] for one in found] == ["93.184.216.34", "10.0.0.5"]
