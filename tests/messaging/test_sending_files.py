"""A file in a reply goes up once, and one that cannot leaves nobody in doubt."""

from messaging.content import Content, ContentType
from tests.fakes import cloud_api
from tests.messaging.replies import put, state


async def test_a_file_goes_up_once_and_is_then_known_there(house, thread_id):
    kept = await house.library.put_up(
        house.workspace_id,
        content=b"%PDF-1.7 an invoice",
        name="invoice.pdf",
        by=thread_id,
    )
    house.provider.answer({"id": "700"})
    house.provider.answer(cloud_api.accepted())
    house.provider.answer({**cloud_api.accepted(), "messages": [{"id": "wamid.2"}]})
    invoice = Content(ContentType.DOCUMENT, text="Your invoice", media_id=kept.media_id)
    await put(house, thread_id, invoice)
    await put(house, thread_id, invoice)
    await house.work("send")
    assert [each.path.rpartition("/")[2] for each in house.provider.heard] == [
        "media",
        "messages",
        "messages",
    ]
    assert house.provider.heard[2].json["document"]["id"] == "700"


async def test_a_file_whose_upload_broke_off_is_tried_again(house, thread_id):
    kept = await house.library.put_up(
        house.workspace_id, content=b"%PDF-1.7 an invoice", name=None, by=thread_id
    )
    house.provider.hang_up()
    message_id = await put(house, thread_id, Content(ContentType.DOCUMENT, media_id=kept.media_id))
    await house.work("send")
    assert await state(house, message_id) == ("queued", None)


async def test_a_file_that_cannot_be_read_leaves_nobody_in_doubt(house, thread_id, tmp_path):
    """Nothing went out, so the message is not `unknown`: it waits, or fails for good."""
    kept = await house.library.put_up(
        house.workspace_id, content=b"%PDF-1.7 an invoice", name=None, by=thread_id
    )
    stored = tmp_path / "files" / kept.stored_as
    stored.rename(tmp_path / "elsewhere")
    stored.symlink_to(stored)  # the store answers, but not with a file
    message_id = await put(house, thread_id, Content(ContentType.DOCUMENT, media_id=kept.media_id))
    await house.work("send")
    assert await state(house, message_id) == ("queued", None)
    stored.unlink()
    await house.hurry()
    await house.work("send")
    assert await state(house, message_id) == ("sending", "file_gone")
    assert house.provider.heard == []
