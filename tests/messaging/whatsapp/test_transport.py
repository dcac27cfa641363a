import asyncio
import json
import socket

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from aioresponses import aioresponses

from messaging.channel import Ambiguous, FailureClass, Rejected
from messaging.channels.whatsapp import WhatsApp
from tests.fakes.cloud_api import PHONE_NUMBER_ID, accepted, error
from tests.fakes.provider import Provider
from tests.messaging.whatsapp.conftest import account_at, outgoing

SEND = f"https://graph.facebook.com/v26.0/{PHONE_NUMBER_ID}/messages"
PLACE = ConnectionKey("graph.facebook.com", 443, True, True, None, None, None)


async def refused(whatsapp: WhatsApp, url: str, timeout_s: float = 2) -> Rejected:
    with pytest.raises(Rejected) as told:
        await whatsapp.send(account_at(url), outgoing(), timeout_s=timeout_s)
    return told.value


async def unclear(whatsapp: WhatsApp, url: str, timeout_s: float = 2) -> Ambiguous:
    with pytest.raises(Ambiguous) as told:
        await whatsapp.send(account_at(url), outgoing(), timeout_s=timeout_s)
    return told.value


async def test_a_closed_port_took_nothing(whatsapp: WhatsApp) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        told = await refused(whatsapp, f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert told.failure.failure_class is FailureClass.TRANSIENT


@pytest.mark.parametrize(
    "broken",
    [
        aiohttp.ClientConnectorDNSError(PLACE, OSError(-2, "unknown name")),
        aiohttp.ClientConnectorError(PLACE, ConnectionRefusedError(111, "refused")),
        aiohttp.ClientConnectorSSLError(PLACE, OSError(1, "handshake")),
        aiohttp.ConnectionTimeoutError("connecting took too long"),
        TimeoutError("waiting for a free connection"),
    ],
    ids=lambda broken: type(broken).__name__,
)
async def test_what_fails_before_a_connection_stands_took_nothing(
    whatsapp: WhatsApp, transport: aioresponses, broken: Exception
) -> None:
    transport.post(SEND, exception=broken)
    told = await refused(whatsapp, "https://graph.facebook.com")
    assert told.failure.failure_class is FailureClass.TRANSIENT
    assert sum(len(calls) for calls in transport.requests.values()) == 1


async def test_a_full_pool_took_nothing(meta: Provider) -> None:
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as narrow:
        whatsapp = WhatsApp(narrow)
        done = meta.fall_silent()
        meta.answer(accepted())
        async with asyncio.TaskGroup() as group:
            group.create_task(unclear(whatsapp, meta.url, timeout_s=0.6))
            await meta.has_heard()
            told = await refused(whatsapp, meta.url, timeout_s=0.1)
        done.set()
    assert told.failure.code == "unreachable"
    assert len(meta.heard) == 1


@pytest.mark.parametrize("timeout_s", [0, -1])
async def test_no_time_left_sends_nothing(
    whatsapp: WhatsApp, meta: Provider, timeout_s: float
) -> None:
    told = await refused(whatsapp, meta.url, timeout_s=timeout_s)
    assert told.failure.code == "no_time_left"
    assert meta.heard == []


async def test_a_connection_that_breaks_after_the_body_is_unclear(
    whatsapp: WhatsApp, meta: Provider
) -> None:
    meta.hang_up()
    await unclear(whatsapp, meta.url)
    assert len(meta.heard) == 1


async def test_an_answer_that_breaks_off_is_unclear(whatsapp: WhatsApp, meta: Provider) -> None:
    meta.break_off()
    await unclear(whatsapp, meta.url)
    assert len(meta.heard) == 1


async def test_silence_is_unclear_at_the_deadline_not_after(
    whatsapp: WhatsApp, meta: Provider
) -> None:
    done = meta.fall_silent()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await unclear(whatsapp, meta.url, timeout_s=0.2)
    assert 0.2 <= loop.time() - began < 1
    done.set()
    assert len(meta.heard) == 1


async def test_a_redirect_is_not_followed(whatsapp: WhatsApp, meta: Provider) -> None:
    meta.answer({}, status=307, headers={"Location": f"{meta.url}/elsewhere"})
    told = await refused(whatsapp, meta.url)
    assert (told.failure.failure_class, told.failure.code) == (
        FailureClass.OUR_REQUEST,
        "http_307",
    )
    assert len(meta.heard) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 131026, FailureClass.NOT_ON_CHANNEL),
        (400, "131047", FailureClass.WINDOW_CLOSED),
        (401, 190, FailureClass.ACCOUNT),
        (429, 130429, FailureClass.TRANSIENT),
        (400, 131056, FailureClass.PAIR_RATE),
        (500, 131000, FailureClass.TRANSIENT),
        (503, 131016, FailureClass.TRANSIENT),
        (503, 132015, FailureClass.TEMPLATE),
        (400, 777777, FailureClass.UNKNOWN),
    ],
)
async def test_a_graph_error_is_judged_by_its_code(
    whatsapp: WhatsApp, meta: Provider, status: int, code: int | str, kind: FailureClass
) -> None:
    meta.answer(error(code), status=status)
    told = await refused(whatsapp, meta.url)
    assert (told.failure.failure_class, told.failure.code) == (kind, str(code))
    assert len(meta.heard) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureClass.OUR_REQUEST),
        (401, FailureClass.ACCOUNT),
        (403, FailureClass.ACCOUNT),
        (404, FailureClass.OUR_REQUEST),
        (413, FailureClass.OUR_REQUEST),
        (429, FailureClass.TRANSIENT),
    ],
)
async def test_a_refusal_without_a_code_is_judged_by_its_status(
    whatsapp: WhatsApp, meta: Provider, status: int, kind: FailureClass
) -> None:
    meta.answer(raw=b"<html>no</html>", status=status, headers={"Retry-After": "7"})
    told = await refused(whatsapp, meta.url)
    assert (told.failure.failure_class, told.failure.code) == (kind, f"http_{status}")
    assert told.retry_after_s == 7


@pytest.mark.parametrize("told", ["", "soon", "-1", "Sat, 22 Nov 2026 00:00:00 GMT", "9" * 9])
async def test_only_seconds_are_taken_for_a_waiting_time(
    whatsapp: WhatsApp, meta: Provider, told: str
) -> None:
    meta.answer(error(80007), status=429, headers={"Retry-After": told})
    assert (await refused(whatsapp, meta.url)).retry_after_s is None


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_gateway_that_lost_the_answer_is_unclear(
    whatsapp: WhatsApp, meta: Provider, status: int
) -> None:
    meta.answer(raw=b"<html>bad gateway</html>", status=status)
    await unclear(whatsapp, meta.url)
    assert len(meta.heard) == 1


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[]", b"null", b'{"messages":[]}', b'{"messages":[{"id":""}]}', b"[" * 9999],
)
async def test_a_success_without_an_id_is_unclear(
    whatsapp: WhatsApp, meta: Provider, raw: bytes
) -> None:
    meta.answer(raw=raw)
    await unclear(whatsapp, meta.url)


@pytest.mark.parametrize("chunked", [True, False])
async def test_an_endless_answer_is_not_read_to_its_end(
    whatsapp: WhatsApp, meta: Provider, chunked: bool
) -> None:
    body = json.dumps(accepted()).encode() + b" " * (2 << 20)
    if chunked:
        meta.pour(body)
    else:
        meta.answer(raw=body)
    await unclear(whatsapp, meta.url)


async def test_what_is_raised_names_no_person_and_no_secret(
    whatsapp: WhatsApp, meta: Provider
) -> None:
    meta.answer(error(131030, "Recipient +79005550101 is not in the allowed list"), status=400)
    told = await refused(whatsapp, meta.url)
    meta.hang_up()
    lost = await unclear(whatsapp, meta.url)
    for words in (str(told), repr(told.failure), str(lost)):
        assert "9005550101" not in words
        assert "EAAG-token" not in words
