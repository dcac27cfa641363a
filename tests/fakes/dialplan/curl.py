"""CURL() as Asterisk does it: the status is invisible, and a timeout gives what had come by then."""

import asyncio
from urllib.parse import unquote_plus, urlsplit

import aiohttp

_BLANKS = " \t\r\n"


async def curl(
    url: str, body: str | None, headers: list[str], *, connect_s: float, whole_s: float
) -> str:
    """The body, or the part of it that came in time."""
    assert "@" not in urlsplit(url).netloc
    said = bytearray()
    named = dict(header.split(": ", 1) for header in headers)
    if not named:
        named = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        async with asyncio.timeout(whole_s), aiohttp.ClientSession() as http:
            limits = aiohttp.ClientTimeout(sock_connect=connect_s)
            async with http.request(
                "GET" if body is None else "POST", url, data=None if body is None else body.encode(),
                headers={**named, "Accept": "*/*"}, allow_redirects=False, timeout=limits,
            ) as answer:  # fmt: skip
                async for chunk in answer.content.iter_any():
                    said += chunk
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass
    return said.decode(errors="replace").rstrip(_BLANKS)


def as_hash(said: str) -> tuple[list[str], str]:
    """hashcompat=yes: the fields, and their values with commas between."""
    if not said:
        return [], ""
    pieces = [piece.partition("=") for piece in said.split("&")]
    values = ",".join(
        unquote_plus(value).replace("\\", "\\\\").replace(",", "\\,") for _, _, value in pieces
    )
    return [unquote_plus(name) for name, _, _ in pieces], values
