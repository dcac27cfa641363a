import socket

import pytest

from messaging.channel import Ambiguous, FailureClass, MediaFile, Rejected, RemoteMedia
from messaging.channels.whatsapp import WhatsApp
from messaging.content import Content, ContentType
from tests.fakes.cloud_api import PHONE_NUMBER_ID, accepted, error
from tests.fakes.provider import Provider
from tests.messaging.whatsapp.conftest import account_at, outgoing

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10
WAITING = RemoteMedia("1003383421387256", "image/jpeg")


async def test_a_file_goes_up_as_a_form(whatsapp: WhatsApp, meta: Provider) -> None:
    meta.answer({"id": "4490709327384033"})
    media = MediaFile("image/png", "чек.png", None, PICTURE)
    assert await whatsapp.upload(account_at(meta.url), media, timeout_s=2) == "4490709327384033"
    (heard,) = meta.heard
    assert (heard.method, heard.path) == ("POST", f"/v26.0/{PHONE_NUMBER_ID}/media")
    assert heard.headers["Authorization"] == "Bearer EAAG-token"
    assert heard.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="messaging_product"' in heard.body
    assert 'filename="чек.png"'.encode() in heard.body
    assert b"Content-Type: image/png" in heard.body
    assert PICTURE in heard.body


async def test_nobody_listening_took_no_file(whatsapp: WhatsApp) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        account = account_at(f"http://127.0.0.1:{taken.getsockname()[1]}")
        media = MediaFile("image/png", None, None, PICTURE)
        with pytest.raises(Rejected) as up:
            await whatsapp.upload(account, media, timeout_s=2)
        with pytest.raises(Rejected) as down:
            await whatsapp.download(account, WAITING, limit=2000, timeout_s=2)
    for told in (up, down):
        assert told.value.failure.failure_class is FailureClass.TRANSIENT


async def test_nothing_to_upload_is_our_mistake(whatsapp: WhatsApp, meta: Provider) -> None:
    with pytest.raises(Rejected) as told:
        await whatsapp.upload(account_at(meta.url), MediaFile("image/png", None, None), timeout_s=2)
    assert told.value.failure.failure_class is FailureClass.OUR_REQUEST
    assert meta.heard == []


async def test_an_upload_without_an_id_is_unclear(whatsapp: WhatsApp, meta: Provider) -> None:
    meta.answer({})
    with pytest.raises(Ambiguous):
        await whatsapp.upload(
            account_at(meta.url), MediaFile("image/png", None, None, PICTURE), timeout_s=2
        )


async def test_a_message_takes_its_new_file_along(whatsapp: WhatsApp, meta: Provider) -> None:
    meta.answer({"id": "4490709327384033"})
    meta.answer(accepted())
    said = outgoing(Content(ContentType.IMAGE), media=MediaFile("image/png", None, None, PICTURE))
    await whatsapp.send(account_at(meta.url), said, timeout_s=2)
    assert [heard.path.rsplit("/", 1)[1] for heard in meta.heard] == ["media", "messages"]
    assert meta.heard[1].json["image"] == {"id": "4490709327384033"}


async def test_a_lost_upload_is_no_lost_message(whatsapp: WhatsApp, meta: Provider) -> None:
    meta.hang_up()
    said = outgoing(Content(ContentType.IMAGE), media=MediaFile("image/png", None, None, PICTURE))
    with pytest.raises(Rejected) as told:
        await whatsapp.send(account_at(meta.url), said, timeout_s=2)
    assert told.value.failure.failure_class is FailureClass.TRANSIENT
    assert len(meta.heard) == 1


async def test_a_file_is_asked_for_and_fetched_with_the_token(
    whatsapp: WhatsApp, meta: Provider
) -> None:
    address = f"{meta.url}/attachments/?mid=1&ext=2&hash=Ab%2fc%2BD%7e"
    meta.answer({"url": address, "mime_type": "image/png", "file_size": len(PICTURE), "id": "1"})
    meta.answer(raw=PICTURE, headers={"Content-Type": "application/octet-stream"})
    got = await whatsapp.download(account_at(meta.url), WAITING, limit=1 << 20, timeout_s=2)
    assert got == (PICTURE, "image/png")
    asked, fetched = meta.heard
    assert (asked.method, asked.path) == ("GET", "/v26.0/1003383421387256")
    assert meta.url + fetched.target == address
    assert all(heard.headers["Authorization"] == "Bearer EAAG-token" for heard in meta.heard)


@pytest.mark.parametrize("declared", [{"file_size": 2000}, {}, {"file_size": "?"}])
async def test_too_large_a_file_is_left_there(
    whatsapp: WhatsApp, meta: Provider, declared: dict[str, object]
) -> None:
    meta.answer({"url": f"{meta.url}/file", "mime_type": "image/png", **declared})
    meta.answer(raw=b"x" * 2000)
    with pytest.raises(Rejected) as told:
        await whatsapp.download(account_at(meta.url), WAITING, limit=1999, timeout_s=2)
    assert told.value.failure.code == "media_too_large"
    assert len(meta.heard) == (1 if declared.get("file_size") == 2000 else 2)


async def test_a_file_of_exactly_the_limit_is_taken(whatsapp: WhatsApp, meta: Provider) -> None:
    meta.answer({"url": f"{meta.url}/file"})
    meta.answer(raw=b"x" * 2000, headers={"Content-Type": "image/webp"})
    got = await whatsapp.download(account_at(meta.url), WAITING, limit=2000, timeout_s=2)
    assert got == (b"x" * 2000, "image/webp")


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/file",
        "https://fbsbx.com.evil.example/file",
        "https://evilfbsbx.com/file",
        "http://lookaside.fbsbx.com/file",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "//evil.example",
        "http://[",
        "",
        None,
        7,
    ],
)
async def test_the_token_goes_to_no_other_host(
    whatsapp: WhatsApp, meta: Provider, address: object
) -> None:
    meta.answer({"url": address, "mime_type": "image/png"})
    with pytest.raises(Rejected) as told:
        await whatsapp.download(account_at(meta.url), WAITING, limit=2000, timeout_s=2)
    assert told.value.failure.code == "media_address"
    assert len(meta.heard) == 1


@pytest.mark.parametrize("code", [33, 100])
async def test_a_forgotten_file_does_not_stop_the_account(
    whatsapp: WhatsApp, meta: Provider, code: int
) -> None:
    meta.answer(error(code, "Unsupported get request"), status=400)
    with pytest.raises(Rejected) as told:
        await whatsapp.download(account_at(meta.url), WAITING, limit=2000, timeout_s=2)
    assert told.value.failure.failure_class is FailureClass.OUR_REQUEST


async def test_an_expired_address_is_refused(whatsapp: WhatsApp, meta: Provider) -> None:
    meta.answer({"url": f"{meta.url}/file"})
    meta.answer(raw=b"", status=404)
    with pytest.raises(Rejected) as told:
        await whatsapp.download(account_at(meta.url), WAITING, limit=2000, timeout_s=2)
    assert told.value.failure.failure_class is FailureClass.OUR_REQUEST


async def test_a_wrong_token_stops_the_account(whatsapp: WhatsApp, meta: Provider) -> None:
    meta.answer(error(190), status=401)
    with pytest.raises(Rejected) as told:
        await whatsapp.download(account_at(meta.url), WAITING, limit=2000, timeout_s=2)
    assert told.value.failure.failure_class is FailureClass.ACCOUNT


async def test_a_file_is_not_followed_elsewhere(whatsapp: WhatsApp, meta: Provider) -> None:
    meta.answer({"url": f"{meta.url}/file"})
    meta.answer(raw=b"", status=302, headers={"Location": f"{meta.url}/elsewhere"})
    with pytest.raises(Rejected):
        await whatsapp.download(account_at(meta.url), WAITING, limit=2000, timeout_s=2)
    assert len(meta.heard) == 2
