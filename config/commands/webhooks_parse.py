"""Recorded webhook bodies, read as the service would read them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from config.workspaces.channels import SmsPart
from config.workspaces.reading import FileRefused, read
from core.clock import utc_now
from core.ids import AccountId, WorkspaceId, new_id
from core.vocabulary import ChannelKind
from messaging.channel import Account, InboundEvent
from messaging.channels.normalised import normalised
from messaging.channels.sms import inbound as sms
from messaging.channels.sms.provider import Secret, Webhook
from messaging.channels.whatsapp import inbound as whatsapp

_NAMES = {ChannelKind.WHATSAPP: "WhatsApp", ChannelKind.SMS: "SMS"}


def parse_recorded(
    channel: str, body: bytes, *, workspace: Path | None = None
) -> Sequence[Mapping[str, Any]]:
    """Every event of a recorded body, whichever account it was for; FileRefused when it is none.

    An SMS provider's fields are those that the workspace file gives, without one the usual ones.
    """
    try:
        match channel:
            case ChannelKind.WHATSAPP:
                told = _whatsapp(body)
            case ChannelKind.SMS:
                told = list(sms.events(_webhook(workspace), body, utc_now()))
            case _:
                known = f"{ChannelKind.WHATSAPP.value}, {ChannelKind.SMS.value}"
                raise FileRefused(f"there is no channel {channel!r}; known: {known}")
    except (ValueError, RecursionError) as broken:
        raise FileRefused(f"this is no {_NAMES[ChannelKind(channel)]} webhook body") from broken
    return [normalised(event) for event in told]


def _whatsapp(body: bytes) -> list[InboundEvent]:
    numbers = _numbers(json.loads(body))
    told = {
        event.event_key: event
        for number in numbers or [""]
        for event in whatsapp.events(_account(number), body, utc_now())
    }
    return list(told.values())


def _webhook(workspace: Path | None) -> Webhook:
    """How the first SMS channel of this file is told things."""
    if workspace is None:
        return Webhook(secret=Secret(header="-", value="not-looked-at-here"))
    for channel in read(workspace).channels:
        if isinstance(channel, SmsPart) and channel.provider.webhook is not None:
            return channel.provider.webhook
    raise FileRefused(f"{workspace}: there is no SMS channel with a webhook in this file")


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
