"""What an IVR may be told after looking at a message: the decision of the race, without clock or database."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from messaging.channel import FailureClass


class Confirm(StrEnum):
    """The evidence that must be committed before an IVR is told to hang up, weakest first."""

    ACCEPTED = "accepted"
    """The provider took it; counts only for a number with fresh positive evidence."""
    SENT = "sent"
    """The network reports `sent` and no failure follows within the grace."""
    DELIVERED = "delivered"
    """The message is on the caller's device."""


_STRENGTH = {Confirm.ACCEPTED: 0, Confirm.SENT: 1, Confirm.DELIVERED: 2}


def stricter(line: Confirm, request: Confirm | None) -> Confirm:
    """An IVR may ask for more than its line does, never for less."""
    return line if request is None else max(line, request, key=_STRENGTH.__getitem__)


def needed(asked: Confirm, *, positive: bool) -> Confirm:
    """What is really waited for: acceptance proves nothing about a number we know nothing of."""
    return Confirm.SENT if asked is Confirm.ACCEPTED and not positive else asked


class Rank(StrEnum):
    """How far a message has come, as the race sees it."""

    WAITING = "waiting"
    """On the wire or unknown: nothing has been heard."""
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the message's row says at this moment."""

    rank: Rank
    failure: FailureClass | None = None
    sent_for_ms: int = 0
    """How long ago `sent` was committed; meaningful from rank SENT."""


class Proof(StrEnum):
    """What a decision rests on: the public `evidence` of an answer."""

    DELIVERED_NOW = "delivered_now"
    SENT_QUIET = "sent_quiet"
    SENT_KNOWN = "sent_known"
    ACCEPTED_KNOWN = "accepted_known"
    FAILED_NOW = "failed_now"
    HISTORY = "history"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet; look again at the next status, or after `for_ms` when quiet itself is the evidence."""

    for_ms: int | None = None


@dataclass(frozen=True, slots=True)
class HangUp:
    """The evidence is there."""

    proof: Proof


@dataclass(frozen=True, slots=True)
class Stay:
    """The call goes on: `failure` says why, None means that time ran out."""

    failure: FailureClass | None = None


Verdict = Wait | HangUp | Stay


def verdict(
    asked: Confirm, seen: Seen, *, positive: bool, grace_ms: int, last_look: bool
) -> Verdict:
    """Hang up, stay, or wait.

    Delivered outranks failed, because one message can show both (several devices of one person).
    Otherwise any committed failure ends the race. Fresh positive evidence lets the last look take a
    `sent` whose grace has not run out: the grace only guards against numbers that are not on the
    channel, and this one is.
    """
    if seen.rank is Rank.DELIVERED:
        return HangUp(Proof.DELIVERED_NOW)
    if seen.failure is not None:
        return Stay(seen.failure)
    proof = _proof(needed(asked, positive=positive), seen, grace_ms)
    if proof is None and last_look and positive and _may_cut_grace(asked, seen):
        proof = Proof.SENT_KNOWN
    if proof is not None:
        return HangUp(proof)
    if last_look:
        return Stay()
    if asked is not Confirm.DELIVERED and seen.rank is Rank.SENT:
        return Wait(max(1, grace_ms - seen.sent_for_ms))
    return Wait()


def _proof(wanted: Confirm, seen: Seen, grace_ms: int) -> Proof | None:
    match wanted:
        case Confirm.ACCEPTED:
            return Proof.ACCEPTED_KNOWN if seen.rank is not Rank.WAITING else None
        case Confirm.SENT:
            quiet = seen.rank is Rank.SENT and seen.sent_for_ms >= grace_ms
            return Proof.SENT_QUIET if quiet else None
        case Confirm.DELIVERED:
            return None
        case _:
            assert_never(wanted)


def _may_cut_grace(asked: Confirm, seen: Seen) -> bool:
    return asked is not Confirm.DELIVERED and seen.rank is Rank.SENT
