"""Files of strangers: kept under our names, and shown so that they never run."""

import io
import os
from datetime import UTC, datetime

import pytest
from aiohttp import ClientError, FormData, web

from core.access import People, SignIns
from core.http import PUBLIC_ORIGIN, SIGN_INS
from core.ids import MediaId, parse
from core.problems import traced
from messaging.api import ENDPOINTS, LIBRARY
from messaging.media import signed_path
from tests.messaging.conftest import House
from tests.messaging.pictures import PNG


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


async def test_another_workspaces_file_is_not_there(house, other_workspace_id, client):
    answer = await client.post("/v1/media", data=form(PNG), headers=await sign_in(client))
    media_id = MediaId(parse("md", (await answer.json())["id"]))
    stolen = house.library.path(other_workspace_id, media_id)
    assert (await client.get(stolen)).status == 404
