"""What may be put into the outbox: once, within the window, and to nobody who said stop."""

from datetime import timedelta

import pytest

from messaging import contacts, outbox, threads
from messaging.channel import AddressKind
from messaging.content import Content, ContentType, TemplateUse
from messaging.outbox import OptedOut, WindowClosed
from messaging.threads import ThreadUnknown
from tests.messaging.replies import BOT, HELLO, put, state


async def test_a_customer_who_wrote_since_keeps_the_window_open(house, thread_id):
    async with house.database.workspace(house.workspace_id) as tx:
        earlier = house.clock() - timedelta(minutes=1)
        await threads.close_window(tx, thread_id, at=earlier)
        until = await threads.window_until(tx, thread_id)
        assert until is not None
        assert until > house.clock() + timedelta(hours=23)
        await threads.close_window(tx, thread_id, at=house.clock() + timedelta(seconds=1))
        until = await threads.window_until(tx, thread_id)
        assert until is not None
        assert until < house.clock() + timedelta(minutes=1)


async def test_the_same_client_key_is_the_same_message(house, thread_id):
    first = await put(house, thread_id, client_key="c1")
    assert await put(house, thread_id, client_key="c1") == first
    assert await house.value("SELECT count(*) FROM core.job WHERE kind = 'messaging.send'") == 1


async def test_free_words_need_an_open_window(house, thread_id):
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE messaging.thread SET window_until = now() - interval '1 s'")
    with pytest.raises(WindowClosed):
        await put(house, thread_id)
    template = Content(ContentType.TEMPLATE, text="Hi", template=TemplateUse("again", "en"))
    assert await state(house, await put(house, thread_id, template)) == ("queued", None)


async def test_who_never_wrote_gets_no_free_words(house):
    async with house.database.workspace(house.workspace_id) as tx:
        who = await contacts.contact_for_sender(
            tx, house.account.kind, {AddressKind.WA_ID: "79005550102"}, None
        )
        silent = await threads.thread_for(tx, who.contact_id, house.account.id)
    with pytest.raises(WindowClosed):
        await put(house, silent)


async def test_who_opted_out_hears_nothing_until_they_write_again(house, thread_id):
    async with house.database.workspace(house.workspace_id) as tx:
        held = await threads.thread(tx, thread_id)
        await contacts.opt_out(tx, held.contact_id, house.account.kind, "not_me")
    with pytest.raises(OptedOut):
        await put(house, thread_id)
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE messaging.opt_out SET at = at - interval '1 hour'")
    assert await put(house, thread_id)
    # They wrote since, and now they say it once more.
    async with house.database.workspace(house.workspace_id) as tx:
        await contacts.opt_out(tx, held.contact_id, house.account.kind, "stop")
    with pytest.raises(OptedOut):
        await put(house, thread_id)


async def test_a_foreign_thread_is_not_there(house, other_workspace_id, thread_id):
    with pytest.raises(ThreadUnknown):
        async with house.database.workspace(other_workspace_id) as tx:
            await outbox.put(tx, thread_id=thread_id, content=HELLO, author=BOT)


async def test_a_late_customer_message_opens_no_longer_window(house, thread_id):
    async with house.database.workspace(house.workspace_id) as tx:
        before = await threads.window_until(tx, thread_id)
        late = house.clock() - timedelta(hours=2)
        await threads.note_inbound(tx, thread_id, at=late, window_s=24 * 3600)
        assert await threads.window_until(tx, thread_id) == before
        tomorrow = house.clock() + timedelta(days=1)
        await threads.note_inbound(tx, thread_id, at=tomorrow, window_s=24 * 3600)
        until = await threads.window_until(tx, thread_id)
    assert until is not None
    assert until - house.clock() < timedelta(hours=24, minutes=5)
