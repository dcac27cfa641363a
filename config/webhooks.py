"""Recorded webhook bodies, read as the service would read them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from config.workspaces.reading import FileRefused
from core.clock import utc_now
from core.ids import AccountId, WorkspaceId, new_id
from core.vocabulary import ChannelKind
from messaging.channel import Account
from messaging.channels.normalised import normalised
from messaging.channels.whatsapp import inbound as whatsapp


def parse_recorded(channel: str, body: bytes) -> Sequence[Mapping[str, Any]]:
    """Every event of a recorded body, whichever account it was for; FileRefused when it is none."""
    if channel != ChannelKind.WHATSAPP:
        raise FileRefused(f"there is no channel {channel!r}; known: {ChannelKind.WHATSAPP.value}")
    try:
        numbers = _numbers(json.loads(body))
        told = {
            event.event_key: event
            for number in numbers or [""]
            for event in whatsapp.events(_account(number), body, utc_now())
        }
    except (ValueError, RecursionError) as broken:
        raise FileRefused("this is no WhatsApp webhook body") from broken
    return [normalised(event) for event in told.values()]


def _numbers(document: object) -> list[str]:
    """The business numbers that the body speaks of, in order."""
    found: dict[str, None] = {}
    waiting = [document]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            number = value.get("phone_number_id")
            if isinstance(number, str):
                found[number] = None
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return list(found)


def _account(external_id: str) -> Account:
    return Account(
        workspace_id=WorkspaceId(0),
        id=AccountId(new_id()),
        name="recorded",
        kind=ChannelKind.WHATSAPP,
        base_url="",
        external_id=external_id,
        settings={},
        secrets={},
    )
