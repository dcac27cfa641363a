"""Who the customer is, for whoever talks to them; the words for what is known of them, and templates."""

from aiohttp import web

from core.http import answer
from core.ids import ContactId, public
from core.vocabulary import mask
from handoff.desk import objects, reading
from handoff.desk.asking import asker, path_id
from handoff.desk.reading import SQL
from handoff.desk.rows import AddressRow, TemplateRow
from handoff.desk.shown import called, phone, without_numbers
from handoff.desk.sight import sight_of
from messaging.contacts import ContactUnknown, contact

_EARLIER = 20


async def show_contact(request: web.Request) -> web.Response:
    """One customer; in sight is whoever has had a conversation that is in sight."""
    desk, who = asker(request)
    contact_id = ContactId(path_id(request, "ct"))
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        sight = await sight_of(tx, who)
        ids = await reading.conversations_of(tx, sight, contact_id, _EARLIER)
        if not ids and not sight.everything:
            raise ContactUnknown
        person = await contact(tx, contact_id)
        rows = await tx.fetch(*SQL["addresses"](workspace=who.workspace_id, contact=contact_id))
        earlier = await reading.conversations(tx, sight, ids, desk.clock())
    addresses = [AddressRow(**row) for row in rows]
    hidden = [] if sight.see_phone else [row.value for row in addresses]
    return answer(
        objects.Contact(
            id=public("ct", person.contact_id),
            name=called(person.name, see_phone=sight.see_phone),
            phone=phone(person.phone, see_phone=sight.see_phone),
            language=person.language,
            addresses=[
                objects.Address(
                    kind=row.kind, value=row.value if sight.see_phone else mask(row.value)
                )
                for row in addresses
            ],
            tags=[],
            attributes=without_numbers(dict(person.attributes), hidden),
            opted_out=bool(person.opted_out),
            conversations=earlier,
        )
    )


async def list_templates(request: web.Request) -> web.Response:
    """Approved templates, on one channel or on all."""
    desk, who = asker(request)
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        rows = await tx.fetch(
            *SQL["approved_templates"](
                workspace=who.workspace_id, channel=request.query.get("channel") or None
            )
        )
    templates = [TemplateRow(**row) for row in rows]
    return answer(
        objects.Templates(
            [
                objects.Template(
                    name=row.name,
                    language=row.language,
                    body=row.body,
                    parameters=row.parameters,
                    channel=row.channel,
                )
                for row in templates
            ]
        )
    )


async def list_titles(request: web.Request) -> web.Response:
    """The titles of the flows in use; where two flows differ, the one that greets everybody speaks."""
    desk, who = asker(request)
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        rows = await tx.fetch(*SQL["titles"](workspace=who.workspace_id))
    titles: dict[str, dict[str, str]] = {}
    for row in rows:
        for language, named in row["titles"].items():
            titles.setdefault(language, {}).update(named)
    return answer(objects.Titles(titles=titles))
