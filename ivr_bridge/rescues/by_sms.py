"""A stranded caller's SMS: put into the outbox with the rescue itself, behind it a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.ids import ContactId, ConversationId, DeflectionId, LineId, MessageId
from core.postgres import Tx
from handoff.conversation.opening import Invitation, invite_to
from ivr_bridge.rescues import links
from ivr_bridge.rescues.terms import RescueTerms
from messaging import accounts, threads
from messaging.content import Content, ContentType
from messaging.outbox import Author, OptedOut, put


@dataclass(frozen=True, slots=True)
class Stranded:
    """Who is to get an SMS, and where its answer belongs."""

    deflection_id: DeflectionId
    contact_id: ContactId
    line_id: LineId
    line_title: str
    brand: str
    """Who writes, as the caller knows them."""
    line_number: str | None
    account: str
    """The messenger account that the link leads to, by name."""
    flow: str
    queue: str
    language: str
    card: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Texted:
    """The SMS in the outbox, and the conversation that an answer to it continues."""

    message_id: MessageId
    conversation_id: ConversationId


async def text(tx: Tx, terms: RescueTerms, case: Stranded, *, public_url: str) -> Texted | None:
    """Queue the SMS; None when none may go out, and somebody must call back."""
    if terms.by != "sms" or terms.channel is None:
        return None
    account = await accounts.sketch(tx, terms.channel)
    if account is None or account.stopped:
        return None
    thread_id = await threads.thread_for(tx, case.contact_id, account.account_id)
    await threads.without_window(tx, thread_id)
    token = await links.make(
        tx,
        case.deflection_id,
        case.line_id,
        account=case.account,
        language=case.language,
        valid_s=terms.link_valid_s,
    )
    try:
        message_id = await put(
            tx,
            thread_id=thread_id,
            content=Content(ContentType.TEXT, text=_words(terms, case, f"{public_url}/go/{token}")),
            author=Author("business", name=case.line_title),
            client_key=f"rescue:{case.deflection_id}",
            watch=True,
        )
    except OptedOut:
        return None
    invited = await invite_to(
        tx,
        Invitation(
            account_id=account.account_id,
            opening_message_id=message_id,
            card=case.card,
            origin=case.deflection_id,
            flow=case.flow,
            queue=case.queue,
            language=case.language,
            at=case.at,
        ),
        contact_id=case.contact_id,
        thread_id=thread_id,
    )
    return Texted(message_id, invited.conversation_id)


def _words(terms: RescueTerms, case: Stranded, link: str) -> str:
    filled = terms.words(case.language)
    for place, value in (
        ("{link}", link),
        ("{line_number}", case.line_number or ""),
        ("{line_title}", case.line_title),
        ("{brand}", case.brand),
    ):
        filled = filled.replace(place, value)
    return filled
