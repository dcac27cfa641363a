import hashlib

import aiohttp

from sandbox.client import SandboxClient
from tests.sandbox.conftest import ACCOUNT, CALLER, Cloud
from tests.sandbox.receiver import Receiver

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


def form(
    mime: str = "image/png", content: bytes = PNG, product: str = "whatsapp"
) -> aiohttp.FormData:
    made = aiohttp.FormData()
    made.add_field("messaging_product", product)
    made.add_field("type", mime)
    made.add_field("file", content, filename="чек.png", content_type=mime)
    return made


async def upload(cloud: Cloud, made: aiohttp.FormData) -> tuple[int, dict[str, object]]:
    return await cloud.ask("POST", f"/v25.0/{ACCOUNT}/media", data=made)


async def test_an_uploaded_file_can_be_sent_and_is_seen(
    sandbox: SandboxClient, cloud: Cloud
) -> None:
    phone = sandbox.phone(CALLER)
    await phone.write(ACCOUNT, "Пришлите чек")
    status, uploaded = await upload(cloud, form())
    assert status == 200
    body = {"messaging_product": "whatsapp", "to": CALLER, "type": "image", "image": uploaded}
    assert (await cloud.send(body))[0] == 200
    await sandbox.advance(1)
    shown = await phone.wait_for(ACCOUNT)
    async with cloud.session.get(sandbox.url + shown["media"]["src"]) as reply:
        assert await reply.read() == PNG
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


async def test_what_meta_does_not_take_is_131053(cloud: Cloud) -> None:
    for made in (form("application/x-msdownload"), form("image/png", b""), form("image/svg+xml")):
        _, answer = await upload(cloud, made)
        assert answer["error"]["code"] == 131053  # type: ignore[index]
    _, answer = await upload(cloud, form(product="telegram"))
    assert answer["error"]["code"] == 100  # type: ignore[index]


async def test_a_kind_must_fit_its_file(sandbox: SandboxClient, cloud: Cloud) -> None:
    await sandbox.phone(CALLER).write(ACCOUNT, "Привет")
    _, uploaded = await upload(cloud, form("application/pdf", b"%PDF-1.4"))
    body = {"messaging_product": "whatsapp", "to": CALLER, "type": "image", "image": uploaded}
    assert await cloud.refused(body) == 131053
    document = {**uploaded, "filename": "чек.pdf"}
    sent = {"messaging_product": "whatsapp", "to": CALLER, "type": "document", "document": document}
    assert (await cloud.send(sent))[0] == 200


async def test_a_customers_file_is_fetched_with_the_token_within_five_minutes(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.phone(CALLER).send_file(ACCOUNT, "cat.png", "image/png", PNG, "Вот он")
    await ear.until(lambda heard: bool(heard.messages))
    image = ear.messages[0]["image"]
    assert (ear.messages[0]["type"], image["caption"]) == ("image", "Вот он")
    assert image["sha256"] == hashlib.sha256(PNG).hexdigest()
    status, node = await cloud.ask("GET", f"/v25.0/{image['id']}")
    assert (status, node["mime_type"], node["file_size"]) == (200, "image/png", str(len(PNG)))
    bearer = {"Authorization": f"Bearer {cloud.token}"}
    async with cloud.session.get(node["url"]) as reply:
        assert reply.status == 401
    async with cloud.session.get(node["url"], headers=bearer) as reply:
        assert await reply.read() == PNG
    await sandbox.advance(301)
    async with cloud.session.get(node["url"], headers=bearer) as reply:
        assert reply.status == 404


async def test_files_die_in_time_and_on_request(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    _, uploaded = await upload(cloud, form())
    path = f"/v25.0/{uploaded['id']}"
    assert (await cloud.ask("DELETE", path))[0] == 200
    assert (await cloud.ask("GET", path))[1]["error"]["code"] == 33
    await sandbox.phone(CALLER).send_file(ACCOUNT, "чек 1.pdf", "application/pdf", b"%PDF")
    await ear.until(lambda heard: bool(heard.messages))
    document = ear.messages[0]["document"]
    assert document["filename"] == "чек 1.pdf"
    await sandbox.advance(7 * 86_400)
    assert (await cloud.ask("GET", f"/v25.0/{document['id']}"))[0] == 400
