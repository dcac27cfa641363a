"""A customer's file is fetched from its provider, for as long as the provider keeps it."""

import pytest

from core.ids import MediaId
from messaging.media import media
from tests.fakes import cloud_api
from tests.messaging.conftest import House
from tests.messaging.pictures import JPEG


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
