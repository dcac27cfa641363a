"""What is known about a number, from what, and how long it stays known."""

from datetime import timedelta

import pytest

from core.vocabulary import ChannelKind, PhoneNumber
from messaging import contacts, reachability
from messaging.channel import AddressKind
from messaging.contacts import likely_wa_ids
from messaging.reachability import Reach, Sighting
from tests.messaging.conftest import CALLER, NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def address_id(database, workspace_id):
    async with database.workspace(workspace_id) as tx:
        return (await contacts.contact_for_phone(tx, CALLER)).address_id


@pytest.fixture
def witness(database, workspace_id, address_id):
    async def saw(**facts) -> None:
        async with database.workspace(workspace_id) as tx:
            sighting = Sighting(address_id, **facts)
            await reachability.witness(tx, ChannelKind.WHATSAPP, [sighting])

    return saw


@pytest.fixture
def look(database, workspace_id):
    async def at(moment) -> Reach:
        async with database.workspace(workspace_id) as tx:
            found = await reachability.look(tx, CALLER, ChannelKind.WHATSAPP, moment)
        return found.state

    return at


async def test_nothing_is_known_of_a_stranger(look):
    assert await look(NOW) is Reach.UNKNOWN


async def test_who_was_reached_stays_confirmed_for_thirty_days(witness, look):
    await witness(positive_at=NOW, positive_source="delivered")
    assert await look(NOW + 30 * DAY) is Reach.CONFIRMED
    assert await look(NOW + 30 * DAY + HOUR) is Reach.UNKNOWN


async def test_a_failure_lasts_a_day_and_each_further_one_twice_as_long_up_to_a_week(witness, look):
    at = NOW
    for days in (1, 2, 4, 7, 7):
        await witness(negative_at=at, negative_code="131026")
        assert await look(at + days * DAY - HOUR) is Reach.UNREACHABLE, days
        assert await look(at + days * DAY + HOUR) is Reach.UNKNOWN, days
        at += days * DAY + HOUR


async def test_whoever_was_reached_since_begins_anew(witness, look):
    await witness(negative_at=NOW, negative_code="131026")
    await witness(negative_at=NOW + 2 * DAY, negative_code="131026")
    await witness(positive_at=NOW + 3 * DAY, positive_source="inbound")
    assert await look(NOW + 3 * DAY) is Reach.CONFIRMED
    await witness(negative_at=NOW + 4 * DAY, negative_code="131026")
    assert await look(NOW + 4 * DAY + HOUR) is Reach.UNREACHABLE
    assert await look(NOW + 5 * DAY + HOUR) is not Reach.UNREACHABLE


async def test_a_message_that_was_only_sent_proves_little(database, workspace_id, witness):
    await witness(sent_at=NOW)
    async with database.workspace(workspace_id) as tx:
        fresh = await reachability.look(tx, CALLER, ChannelKind.WHATSAPP, NOW + HOUR)
        old = await reachability.look(tx, CALLER, ChannelKind.WHATSAPP, NOW + 2 * HOUR)
    assert (fresh.state, fresh.source, old.source) == (Reach.UNKNOWN, "sent", None)


async def test_one_channel_says_nothing_about_another(database, workspace_id, witness):
    await witness(positive_at=NOW, positive_source="read")
    async with database.workspace(workspace_id) as tx:
        found = await reachability.look(tx, CALLER, ChannelKind.VIBER, NOW)
    assert found.state is Reach.UNKNOWN


async def test_who_wrote_is_confirmed_for_the_number_they_may_call_from(database, workspace_id):
    async with database.workspace(workspace_id) as tx:
        sender = {AddressKind.WA_ID: CALLER.digits, AddressKind.BSUID: "RU.abc"}
        who = await contacts.contact_for_sender(tx, ChannelKind.WHATSAPP, sender, "Anna")
        await reachability.wrote(tx, who.contact_id, ChannelKind.WHATSAPP, NOW)
        found = await reachability.look(tx, CALLER, ChannelKind.WHATSAPP, NOW)
    assert (found.state, found.source) == (Reach.CONFIRMED, "inbound")


@pytest.mark.parametrize(
    ("number", "others"),
    [
        ("+79161234567", []),
        ("+5521998765432", ["552198765432"]),
        ("+552198765432", ["5521998765432"]),
        ("+525512345678", ["5215512345678"]),
        ("+5215512345678", ["525512345678"]),
        ("+5491123456789", ["541123456789"]),
        ("+541123456789", ["5491123456789"]),
    ],
)
def test_the_ids_that_a_number_may_go_by(number, others):
    assert likely_wa_ids(PhoneNumber(number)) == [number[1:], *others]


async def test_evidence_weakens_before_it_ends(database, workspace_id, witness):
    await witness(positive_at=NOW, positive_source="delivered")
    async with database.workspace(workspace_id) as tx:
        for days, fresh in ((0, True), (7, True), (8, False), (30, False)):
            found = await reachability.look(tx, CALLER, ChannelKind.WHATSAPP, NOW + days * DAY)
            assert (found.state, found.source, found.at) == (Reach.CONFIRMED, "delivered", NOW)
            assert found.fresh is fresh, days


async def test_evidence_is_forgotten_with_its_address(database, workspace_id, witness, address_id):
    await witness(positive_at=NOW, positive_source="delivered")
    async with database.workspace(workspace_id) as tx:
        await tx.execute("DELETE FROM messaging.address WHERE address_id = $1", address_id)
        assert await tx.fetchval("SELECT count(*) FROM messaging.reachability") == 0
