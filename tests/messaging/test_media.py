"""Files of strangers: known by their bytes, kept under our names, shown so that they never run."""

import io
import os
import struct
from datetime import UTC, datetime

import pytest
from aiohttp import ClientError, FormData, web

from core.access import People, SignIns
from core.http import PUBLIC_ORIGIN, SIGN_INS
from core.ids import MediaId, parse
from core.problems import traced
from messaging.api import ENDPOINTS, LIBRARY
from messaging.filetypes import file_name, recognise
from messaging.media import media, signed_path
from tests.fakes import cloud_api
from tests.messaging.conftest import House

PNG = (
    b"\x89PNG\r\n\x1a\n"
    + struct.pack(">I", 13)
    + b"IHDR"
    + struct.pack(">II", 640, 480)
    + b"\0" * 9
)
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
    b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", 600, 800) + b"\x03" + b"\0" * 12
)
GIF = b"GIF89a" + struct.pack("<HH", 3, 4) + b"\0" * 8
WEBP = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + b"\0" * 4 + b"\x1f\x03\0" + b"\x57\x02\0"
DOCX = b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml" + b"\0" * 50 + b"word/document.xml"


@pytest.mark.parametrize(
    ("content", "mime", "size"),
    [
        (PNG, "image/png", (640, 480)),
        (JPEG, "image/jpeg", (800, 600)),
        (GIF, "image/gif", (3, 4)),
        (WEBP, "image/webp", (800, 600)),
        (b"%PDF-1.7", "application/pdf", (None, None)),
        (b"OggS\0", "audio/ogg", (None, None)),
        (b"\0\0\0\x18ftypmp42", "video/mp4", (None, None)),
        (b"\0\0\0\x18ftypM4A ", "audio/mp4", (None, None)),
        (b"\0\0\0\x18ftyp3gp4", "video/3gpp", (None, None)),
        (b"#!AMR\n", "audio/amr", (None, None)),
        (b"ID3\x03", "audio/mpeg", (None, None)),
        ("Здравствуйте".encode(), "text/plain", (None, None)),
    ],
)
def test_files_are_known_by_their_bytes(content, mime, size):
    kind = recognise(content)
    assert kind is not None
    assert (kind.mime, (kind.width, kind.height)) == (mime, size)


def test_an_office_document_is_more_than_an_archive():
    kind = recognise(DOCX)
    assert kind is not None
    assert kind.suffix == "docx"
    assert recognise(b"PK\x03\x04" + b"\0" * 60) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"\n <!DOCTYPE html><script>alert(1)</script>",
        b"MZ\x90\0",
        b"\x7fELF",
        b"#!/bin/sh\x1b[2J",
        b"\xff\xfe<\0h\0t\0m\0l\0",
        b"\0" * 64,
    ],
)
def test_what_could_run_is_not_let_in(content):
    assert recognise(content) is None


@pytest.mark.parametrize("length", range(2, 40))
def test_a_picture_that_breaks_off_breaks_nothing(length):
    for content in (PNG, JPEG, GIF, WEBP):
        recognise(content[:length])


@pytest.mark.parametrize(
    ("claimed", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\bill.pdf", "bill.pdf"),
        ('a"b\r\nSet-Cookie: x.pdf', "abSet-Cookie x.pdf"),
        ("", None),
        ("...", None),
        (None, None),
        ("ж" * 500 + ".pdf", "ж" * 116 + ".pdf"),
    ],
)
def test_a_claimed_name_is_only_a_name(claimed, kept):
    assert file_name(claimed) == kept


@pytest.fixture
async def client(house: House, aiohttp_client):
    app = web.Application(middlewares=[traced])
    people = People()
    async with house.database.workspace(house.workspace_id) as tx:
        await people.put(
            tx, email="olga@toy.example", name="Olga", roles=["operator"], password="long enough"
        )
    app[SIGN_INS] = SignIns(house.database, people, house.clock)
    app[PUBLIC_ORIGIN] = "http://testserver"
    app[LIBRARY] = house.library
    app.add_routes(endpoint.route for endpoint in ENDPOINTS)
    return await aiohttp_client(app)


async def sign_in(client) -> dict[str, str]:
    token, _ = await client.app[SIGN_INS].open("olga@toy.example", "long enough", None)
    return {"Cookie": f"session={token}"}


def form(content: bytes, name: str = "photo.png", part: str = "file") -> FormData:
    data = FormData(quote_fields=False)  # names as browsers write them
    data.add_field(part, io.BytesIO(content), filename=name, content_type="text/html")
    return data


async def test_an_operators_picture_is_kept_and_shown_by_a_signed_link(client, house):
    answer = await client.post("/v1/media", data=form(PNG), headers=await sign_in(client))
    assert answer.status == 201
    kept = await answer.json()
    assert (kept["mime"], kept["width"], kept["height"], kept["state"]) == (
        "image/png",
        640,
        480,
        "ready",
    )
    shown = await client.get(kept["url"])
    assert await shown.read() == PNG
    assert shown.headers["Content-Type"] == "image/png"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Content-Disposition"] == "inline; filename*=UTF-8''photo.png"
    assert "sandbox" in shown.headers["Content-Security-Policy"]


async def test_a_file_that_breaks_off_is_not_taken_for_whole(client, house, tmp_path):
    film = b"\0\0\0\x18ftypmp42" + b"\0" * (15 << 20)
    answer = await client.post(
        "/v1/media", data=form(film, "film.mp4"), headers=await sign_in(client)
    )
    url = (await answer.json())["url"]
    (stored,) = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    house.library._files._timeout_s = 0.5
    shown = await client.get(url)
    await shown.content.readexactly(1000)
    os.truncate(stored, 1 << 20)
    with pytest.raises(ClientError):
        await shown.read()


async def test_a_document_is_offered_as_a_download(client, house):
    answer = await client.post(
        "/v1/media", data=form(b"%PDF-1.7", "счёт.pdf"), headers=await sign_in(client)
    )
    shown = await client.get((await answer.json())["url"])
    assert shown.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%D1")


async def test_a_link_ends_and_cannot_be_made_up(client, house, sealer):
    answer = await client.post("/v1/media", data=form(PNG), headers=await sign_in(client))
    kept = await answer.json()
    token = kept["url"].rpartition("/")[2]
    for wrong in (token[:-2] + "xx", "x" + token, "abc", "a.b", "%FF.%FF"):
        assert (await client.get(f"/media/{wrong}")).status == 404
    house.clock.advance(3 * 3600)
    assert (await client.get(kept["url"])).status == 404


async def test_a_link_keeps_its_address_for_the_cache(sealer):
    one, other = MediaId(parse("md", "md_" + "0" * 26)), datetime(2026, 11, 22, 9, 1, tzinfo=UTC)
    first = signed_path(sealer, 1, one, other)  # type: ignore[arg-type]
    assert first == signed_path(sealer, 1, one, other.replace(minute=59))  # type: ignore[arg-type]


async def test_bad_uploads_are_refused_clearly(client, house):
    headers = await sign_in(client)
    refusals = [
        (form(b"<svg/>"), 415, "media_type_refused"),
        (form(PNG + b"\0" * (5 << 20)), 413, "media_too_large"),
        (form(PNG, part="picture"), 400, "invalid_request"),
    ]
    for data, status, code in refusals:
        answer = await client.post("/v1/media", data=data, headers=headers)
        assert (answer.status, (await answer.json())["code"]) == (status, code)
    assert (await client.post("/v1/media", json={}, headers=headers)).status == 400
    assert (await client.post("/v1/media", data=form(PNG))).status == 401
    foreign = {**headers, "Origin": "https://evil.example"}
    assert (await client.post("/v1/media", data=form(PNG), headers=foreign)).status == 403
    assert await house.value("SELECT count(*) FROM messaging.media") == 0


async def send_picture(house: House) -> MediaId:
    """A customer's picture, received; its file is still at the provider."""
    body = cloud_api.payload("image")
    events = house.channels[house.account.kind].parse(house.account, body)
    assert events
    await house.intake.take(house.account, events, body)
    await house.work("inbound")
    assert house.received[-1].media_id is not None
    return house.received[-1].media_id


async def found(house: House, media_id: MediaId):
    async with house.database.workspace(house.workspace_id) as tx:
        return await media(tx, media_id)


async def test_a_customers_picture_is_fetched(house):
    media_id = await send_picture(house)
    assert (await found(house, media_id)).state == "pending"
    before = await house.value("SELECT changed_xid::text::bigint FROM messaging.message")
    house.provider.answer({"url": f"{house.provider.url}/file", "mime_type": "image/jpeg"})
    house.provider.answer(raw=JPEG, headers={"Content-Type": "image/jpeg"})
    await house.work("media")
    kept = await found(house, media_id)
    assert (kept.state, kept.mime, kept.width, kept.size) == ("ready", "image/jpeg", 800, len(JPEG))
    assert await house.library.content(kept) == JPEG
    after = await house.value("SELECT changed_xid::text::bigint FROM messaging.message")
    assert after > before  # the desk shows it without being asked


async def test_what_claims_to_be_a_picture_and_is_none_is_refused(house):
    media_id = await send_picture(house)
    house.provider.answer({"url": f"{house.provider.url}/file", "mime_type": "image/jpeg"})
    house.provider.answer(raw=b"<html><script>", headers={"Content-Type": "image/jpeg"})
    await house.work("media")
    kept = await found(house, media_id)
    assert (kept.state, kept.reason) == ("refused", "type")


async def test_a_file_that_is_gone_is_said_to_be_gone(house):
    media_id = await send_picture(house)
    house.provider.answer(cloud_api.error(131052), status=400)
    await house.work("media")
    assert (await found(house, media_id)).state == "gone"


def break_off(house: House) -> None:
    # aiohttp itself asks once more for what may be asked for twice.
    house.provider.hang_up()
    house.provider.hang_up()


@pytest.mark.parametrize(
    "trouble",
    [
        break_off,
        lambda house: house.provider.answer(cloud_api.error(130429), status=400),
        lambda house: house.provider.answer(cloud_api.error(190), status=401),
        lambda house: house.provider.answer({}, status=503),
    ],
    ids=["breaks off", "throttles", "token ran out", "away"],
)
async def test_a_provider_in_trouble_is_asked_for_as_long_as_it_keeps_the_file(house, trouble):
    media_id = await send_picture(house)
    for _ in range(7):
        trouble(house)
        await house.hurry()
        await house.work("media", limit=1)
        house.provider._replies.clear()
        assert (await found(house, media_id)).state == "pending"
    assert await house.value("SELECT due_at > now() FROM core.job WHERE band = 'media'")
    house.clock.advance(7 * 24 * 3600)
    trouble(house)
    await house.hurry()
    await house.work("media", limit=1)
    assert (await found(house, media_id)).state == "gone"
    assert await house.value("SELECT count(*) FROM core.job WHERE band = 'media'") == 0


async def test_another_workspaces_file_is_not_there(house, other_workspace_id, client):
    answer = await client.post("/v1/media", data=form(PNG), headers=await sign_in(client))
    media_id = MediaId(parse("md", (await answer.json())["id"]))
    stolen = house.library.path(other_workspace_id, media_id)
    assert (await client.get(stolen)).status == 404
