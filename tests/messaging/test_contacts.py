"""One person, however they reach us."""

import asyncio

import pytest

from core.ids import ContactId
from core.vocabulary import ChannelKind, Language
from messaging import contacts
from messaging.channel import AddressKind
from messaging.contacts import ContactUnknown
from tests.messaging.conftest import CALLER

WHATSAPP = ChannelKind.WHATSAPP


async def test_who_called_is_who_writes(database, workspace_id):
    async with database.workspace(workspace_id) as tx:
        called = await contacts.contact_for_phone(tx, CALLER)
        sender = {AddressKind.WA_ID: CALLER.digits, AddressKind.BSUID: "RU.abc"}
        wrote = await contacts.contact_for_sender(tx, WHATSAPP, sender, "Anna")
        # Later the number is hidden behind a username: the BSUID alone still tells.
        hidden = await contacts.contact_for_sender(
            tx, WHATSAPP, {AddressKind.BSUID: "RU.abc"}, None
        )
        person = await contacts.contact(tx, called.contact_id)
    assert wrote.contact_id == called.contact_id == hidden.contact_id
    assert (person.name, person.phone) == ("Anna", CALLER.e164)


async def test_a_bsuid_is_surer_than_a_number(database, workspace_id):
    """A number that was given to somebody else comes with the new person's BSUID."""
    async with database.workspace(workspace_id) as tx:
        old = {AddressKind.WA_ID: "79001", AddressKind.BSUID: "RU.old"}
        first = await contacts.contact_for_sender(tx, WHATSAPP, old, "First")
        moved = {AddressKind.WA_ID: "79002", AddressKind.BSUID: "RU.old"}
        again = await contacts.contact_for_sender(tx, WHATSAPP, moved, "First")
    assert again.contact_id == first.contact_id


async def test_the_same_stranger_twice_at_once_is_one_person(database, workspace_id):
    async def write() -> ContactId:
        async with database.workspace(workspace_id) as tx:
            sender = {AddressKind.WA_ID: "79005550101"}
            return (await contacts.contact_for_sender(tx, WHATSAPP, sender, "Anna")).contact_id

    assert len(set(await asyncio.gather(*(write() for _ in range(8))))) == 1
    async with database.workspace(workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM messaging.contact") == 1


async def test_an_opt_out_is_remembered_for_its_channel(database, workspace_id):
    async with database.workspace(workspace_id) as tx:
        who = await contacts.contact_for_phone(tx, CALLER)
        await contacts.opt_out(tx, who.contact_id, WHATSAPP, "not_me")
        await contacts.opt_out(tx, who.contact_id, WHATSAPP, "again")
        assert (await contacts.contact_for_phone(tx, CALLER)).opted_out == {WHATSAPP}
        assert await tx.fetchval("SELECT reason FROM messaging.opt_out") == "again"


async def test_a_name_given_here_outlives_the_profiles(database, workspace_id):
    async with database.workspace(workspace_id) as tx:
        sender = {AddressKind.WA_ID: "79005550101"}
        who = await contacts.contact_for_sender(tx, WHATSAPP, sender, "Anna")
        await contacts.contact_for_sender(tx, WHATSAPP, sender, "annushka ✨")
        await contacts.set_language(tx, who.contact_id, Language("ru"))
        person = await contacts.contact(tx, who.contact_id)
    assert (person.name, person.language) == ("Anna", "ru")
    assert person.phone == "+79005550101"


async def test_one_workspace_knows_nobody_of_another(database, workspace_id, other_workspace_id):
    async with database.workspace(workspace_id) as tx:
        ours = await contacts.contact_for_phone(tx, CALLER)
    async with database.workspace(other_workspace_id) as tx:
        with pytest.raises(ContactUnknown):
            await contacts.contact(tx, ours.contact_id)
        theirs = await contacts.contact_for_phone(tx, CALLER)
    assert theirs.contact_id != ours.contact_id


async def test_a_sender_without_any_address_is_a_mistake(database, workspace_id):
    with pytest.raises(ValueError, match="address"):
        async with database.workspace(workspace_id) as tx:
            await contacts.contact_for_sender(tx, WHATSAPP, {}, "Nobody")
