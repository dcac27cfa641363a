"""Which channel a caller is written to on, and with what evidence."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core.postgres import Tx
from core.vocabulary import ChannelKind
from ivr_bridge import opening
from ivr_bridge.evidence import Confirm, stricter
from ivr_bridge.guard.limits import Limits
from ivr_bridge.opening import Wish
from ivr_bridge.readiness import Readiness, Ready
from messaging import openings
from messaging.openings import Prospect
from messaging.reachability import NOTHING, Reach

NOBODY = Prospect(None, None, None, None, opted_out=False, evidence=NOTHING, account_stopped=None)


async def channels_for(readiness: Readiness, wish: Wish) -> Sequence[Ready]:
    """The line's channels for this caller, in order; none when no account is there."""
    line = wish.line
    found: list[Ready] = []
    if line.terms.channels:
        wanted = {channel.lower() for channel in wish.request.channels}
        for term in line.terms.channels:
            if not term.takes(_country(wish)):
                continue
            ready = await readiness.named(wish.workspace_id, term, line)
            if ready is not None and (not wanted or ready.account.kind.value in wanted):
                found.append(ready)
        # A sort that is stable: among the reliable ones, and among the others, the line's order stands.
        found.sort(key=lambda ready: unreliable(wish, ready))
    if not found:
        own = await readiness.of(wish.workspace_id, line)
        return () if own is None else (own,)
    return found


async def look_up(
    tx: Tx, wish: Wish, choices: Sequence[Ready], now: datetime, *, chatting: bool
) -> tuple[Ready | None, Prospect]:
    """The first channel that nothing speaks against, and what is known of the caller there. On the
    first of all they may be `chatting`, and then are no further user of it.

    Without any such, the first: what speaks against it is the reason to tell.
    """
    if wish.caller.target is None or not choices:
        return (choices[0] if choices else None), NOBODY
    first: tuple[Ready, Prospect] | None = None
    for ready in choices:
        prospect = await openings.look_up(tx, wish.caller.target, ready.account, now)
        room = ready.users_left is not False or (chatting and first is None)
        if room and _clear(wish, ready, prospect):
            return ready, prospect
        first = first or (ready, prospect)
    assert first is not None, "there is at least one choice"  # noqa: S101
    return first


def limits_there(wish: Wish, ready: Ready | None) -> Limits:
    """The guard looked at the first of several channels; each has users of its own."""
    if ready is None or ready.term is None:
        return wish.limits
    return replace(wish.limits, users_left=ready.users_left)


def confirm_of(wish: Wish, ready: Ready | None) -> Confirm:
    """The evidence that is asked on this channel: its own, else the line's; the IVR may ask for more.

    Where WhatsApp is known to be unreliable, a `sent` says nothing about the phone.
    """
    if ready is not None and unreliable(wish, ready):
        return Confirm.DELIVERED
    own = None if ready is None or ready.term is None else ready.term.confirm
    return stricter(own or wish.line.confirm, wish.request.confirm)


def unreliable(wish: Wish, ready: Ready) -> bool:
    """Is this channel known to be unreliable where the caller is?"""
    blocked = wish.line.terms.unreliable_whatsapp_in
    return ready.account.kind is ChannelKind.WHATSAPP and _country(wish) in blocked


def follows(choices: Sequence[Ready], chosen: Ready) -> Ready | None:
    """The channel that may follow when the chosen one certainly failed: the next of another kind, if
    it may write to somebody new.
    """
    place = next(
        (number for number, each in enumerate(choices) if each.account.id == chosen.account.id), -1
    )
    later = choices[place + 1 :] if place >= 0 else ()
    return next(
        (
            each
            for each in later
            if each.account.kind is not chosen.account.kind and each.users_left is not False
        ),
        None,
    )


def _clear(wish: Wish, ready: Ready, prospect: Prospect) -> bool:
    return (
        not ready.silent
        and prospect.account_stopped is None
        and not prospect.opted_out
        and prospect.evidence.state is not Reach.UNREACHABLE
        and opening.fits(wish, ready)
    )


def _country(wish: Wish) -> str | None:
    return None if wish.caller.target is None else wish.caller.target.region
