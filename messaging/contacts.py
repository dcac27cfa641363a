"""People and their addresses: one contact however they reach us."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.faults import NotFound
from core.ids import AddressId, ContactId, new_id
from core.postgres import Tx
from core.queries import load
from core.vocabulary import ChannelKind, Language, PhoneNumber
from messaging.channel import AddressKind

SQL = load(Path(__file__).with_name("contacts.sql"))

# Who someone is, surest first: a BSUID outlives a change of number, a wa_id outlives nothing.
_SUREST_FIRST = (AddressKind.BSUID, AddressKind.USER_ID, AddressKind.WA_ID, AddressKind.PHONE)


@dataclass(frozen=True, slots=True)
class ContactRow:
    """What a statement says about one contact."""

    contact_id: ContactId
    address_id: AddressId
    opted_out: Sequence[str]


@dataclass(frozen=True, slots=True)
class ContactRef:
    """A person, the address they were found by, and the channels they do not want to hear us on."""

    contact_id: ContactId
    address_id: AddressId
    opted_out: frozenset[ChannelKind]


@dataclass(frozen=True, slots=True)
class Match:
    """An address that is known, and its place in the list of those asked for."""

    contact_id: ContactId
    address_id: AddressId
    place: int


@dataclass(frozen=True, slots=True)
class Contact:
    """A person as the desk shows them."""

    contact_id: ContactId
    name: str | None
    language: str | None
    attributes: Mapping[str, Any]
    created_at: datetime
    phone: str | None
    opted_out: Sequence[str]


class ContactUnknown(NotFound, code="contact_unknown"):
    """There is no contact with this id."""


async def contact_for_phone(tx: Tx, phone: PhoneNumber) -> ContactRef:
    """Whoever has this number, made when nobody has: one statement."""
    row = await tx.fetchrow(
        *SQL["contact_for_phone"](
            workspace=tx.workspace_id,
            phone=phone.e164,
            address_id=new_id(),
            contact_id=new_id(),
            **goes_by(phone),
        )
    )
    assert row is not None, "the statement finds or makes exactly one"  # noqa: S101 - its own promise
    return ContactRef(
        row["contact_id"],
        row["address_id"],
        frozenset(ChannelKind(channel) for channel in row["opted_out"]),
    )


async def contact_for_sender(
    tx: Tx, kind: ChannelKind, addresses: Mapping[AddressKind, str], profile_name: str | None
) -> ContactRef:
    """Whoever wrote from these addresses, made when new; what else they go by is remembered."""
    own = _own(kind, addresses)
    if not own:
        raise ValueError("a sender without any address")
    asked = own + _also(addresses)
    matches = await _find(tx, asked)
    if not matches:
        await tx.fetchval(
            *SQL["add_contact"](
                workspace=tx.workspace_id,
                contact_id=new_id(),
                name=profile_name,
                address_ids=[new_id() for _ in own],
                **_columns(own),
            )
        )
        # Found again rather than trusted: another transaction may have made them first.
        matches = await _find(tx, asked)
    found = matches[0]
    if len([match for match in matches if match.place <= len(own)]) < len(own):
        await learn(tx, found.contact_id, kind, addresses)
    if profile_name:
        await tx.execute(
            *SQL["name_contact"](
                workspace=tx.workspace_id, contact_id=found.contact_id, name=profile_name
            )
        )
    person = await contact(tx, found.contact_id)
    return ContactRef(
        found.contact_id,
        found.address_id,
        frozenset(ChannelKind(channel) for channel in person.opted_out),
    )


async def contact(tx: Tx, contact_id: ContactId) -> Contact:
    """One person; raises ContactUnknown."""
    row = await tx.fetchrow(*SQL["contact"](workspace=tx.workspace_id, contact_id=contact_id))
    if row is None:
        raise ContactUnknown
    return Contact(**row)


async def learn(
    tx: Tx, contact_id: ContactId, kind: ChannelKind, addresses: Mapping[AddressKind, str]
) -> None:
    """Remember more ways to reach someone; an address that is another's stays theirs."""
    own = _own(kind, addresses)
    await tx.execute(
        *SQL["learn_addresses"](
            workspace=tx.workspace_id,
            contact_id=contact_id,
            address_ids=[new_id() for _ in own],
            **_columns(own),
        )
    )


async def addresses_of(
    tx: Tx, contact_id: ContactId, kind: ChannelKind
) -> Mapping[AddressKind, str]:
    """Everything that could reach someone on this network."""
    rows = await tx.fetch(
        *SQL["addresses_of"](workspace=tx.workspace_id, contact_id=contact_id, scope=kind.value)
    )
    return {AddressKind(row["kind"]): row["value"] for row in rows}


async def opt_out(tx: Tx, contact_id: ContactId, channel: ChannelKind, reason: str) -> None:
    """From now on this person hears nothing from us there, unless they write themselves."""
    await tx.execute(
        *SQL["opt_out"](
            workspace=tx.workspace_id, contact_id=contact_id, channel=channel.value, reason=reason
        )
    )


async def set_language(tx: Tx, contact_id: ContactId, language: Language) -> None:
    """The language this person is spoken to in."""
    await tx.execute(
        *SQL["set_language"](workspace=tx.workspace_id, contact_id=contact_id, language=language)
    )


def goes_by(phone: PhoneNumber) -> dict[str, list[str]]:
    """Every address under which this number may be known: itself first, then its WhatsApp ids."""
    wa_ids = [
        (AddressKind.WA_ID, ChannelKind.WHATSAPP.value, wa_id) for wa_id in likely_wa_ids(phone)
    ]
    return _columns([(AddressKind.PHONE, "", phone.e164), *wa_ids])


def likely_wa_ids(phone: PhoneNumber) -> list[str]:
    """The WhatsApp ids that a number may go by.

    Usually its digits; in Brazil also without the ninth digit, in Mexico with a 1 and in Argentina
    with or without a 9 after the country code.
    """
    digits = phone.digits
    likely = [digits]
    match digits[:2], len(digits):
        case "55", 13 if digits[4] == "9":
            likely.append(digits[:4] + digits[5:])
        case "55", 12:
            likely.append(f"{digits[:4]}9{digits[4:]}")
        case "52", 12:
            likely.append(f"521{digits[2:]}")
        case "52", 13 if digits[2] == "1":
            likely.append(f"52{digits[3:]}")
        case "54", 12:
            likely.append(f"549{digits[2:]}")
        case "54", 13 if digits[2] == "9":
            likely.append(f"54{digits[3:]}")
        case _:
            pass
    return likely


_Asked = tuple[AddressKind, str, str]


def scope_of(kind: AddressKind, channel: ChannelKind) -> str:
    """Which network gives meaning to an address; a telephone number needs none."""
    return "" if kind is AddressKind.PHONE else channel.value


def _own(channel: ChannelKind, addresses: Mapping[AddressKind, str]) -> list[_Asked]:
    """What the network itself said, surest first."""
    own = [(kind, scope_of(kind, channel), value) for kind, value in addresses.items() if value]
    return sorted(own, key=lambda each: _SUREST_FIRST.index(each[0]))


def _also(addresses: Mapping[AddressKind, str]) -> list[_Asked]:
    """A wa_id is mostly a number that may have called us: looked for last, never stored as one."""
    wa_id = addresses.get(AddressKind.WA_ID)
    if not wa_id or AddressKind.PHONE in addresses:
        return []
    return [(AddressKind.PHONE, "", f"+{wa_id}")]


def _columns(asked: Iterable[_Asked]) -> dict[str, list[str]]:
    rows = list(asked)
    return {
        "kinds": [kind.value for kind, _, _ in rows],
        "scopes": [scope for _, scope, _ in rows],
        "values": [value for _, _, value in rows],
    }


async def _find(tx: Tx, asked: Sequence[_Asked]) -> list[Match]:
    rows = await tx.fetch(*SQL["find_by_addresses"](workspace=tx.workspace_id, **_columns(asked)))
    return [Match(**row) for row in rows]
