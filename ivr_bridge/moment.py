"""The moment before an offer: what the rules want to know besides what every opening needs."""

from dataclasses import dataclass, replace
from datetime import datetime

from core.postgres import Tx
from ivr_bridge.calls import Offers, remember_offers
from ivr_bridge.opening import Wish
from ivr_bridge.policy import Circumstances, PolicyTerms
from ivr_bridge.policy.recorded import drawn
from ivr_bridge.readiness import Ready
from ivr_bridge.reading import clean


@dataclass(frozen=True, slots=True)
class Moment:
    """What was read before the rules are asked."""

    now: datetime
    recent_calls: int | None
    offers: Offers


async def moment(
    tx: Tx, wish: Wish, *, new: bool, recent_calls: int | None, now: datetime
) -> Moment:
    """Read what the line's terms make matter; `new` when the call is named for the first time."""
    cap = wish.line.terms.policy.offers.ignored
    return Moment(now, recent_calls, await remember_offers(tx, wish, cap, new=new))


def before_the_offer(
    seen: Circumstances, wish: Wish, ready: Ready | None, at: Moment, terms: PolicyTerms
) -> Circumstances:
    """The same circumstances, and all that decides whether these terms make an offer."""
    request, line = wish.request, wish.line
    who = wish.known_caller or wish.target
    local = at.now.astimezone(line.zone)
    spoken = None
    if request.language is not None and request.language.strip():
        spoken = request.language.strip().lower()[:2] in line.opening
    return replace(
        seen,
        local=local,
        intent=None if request.intent is None else clean(request.intent),
        language=None if request.language is None else clean(request.language),
        language_spoken=spoken,
        voice_wait_s=request.voice_wait_s,
        queue_position=request.queue_position,
        recent_calls=at.recent_calls,
        chat_wait_s=None if ready is None else ready.chat_wait_s,
        chat_waiting=None if ready is None else ready.chat_waiting,
        chat_staffed=None if ready is None else ready.chat_wait_s is not None,
        offered_ago_s=at.offers.offered_ago_s,
        offers=at.offers.offers,
        ignored_offers=at.offers.ignored,
        share_draw=drawn("share", terms.share, local, line.draw_key, who),
        hold_out_draw=drawn("hold_out", terms.hold_out, local, line.draw_key, who),
    )
