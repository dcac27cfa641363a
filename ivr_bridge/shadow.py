"""A candidate policy decides beside the live one, on the same circumstances and without effect."""

from dataclasses import dataclass, replace

from prometheus_client import Counter

from core.postgres import Tx
from ivr_bridge.calls import remember_offers
from ivr_bridge.moment import Moment, before_the_offer
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action, Reason
from ivr_bridge.policy import HARD, SOFT, Circumstances, PolicyTerms, Ruling, rule
from ivr_bridge.policy.recorded import fingerprint
from ivr_bridge.readiness import Readiness, Ready

SHADOWED = Counter(
    "ivr_bridge_shadow_total",
    "What candidate policies would have answered",
    ["action", "reason", "agrees"],
)


@dataclass(frozen=True, slots=True)
class Shadow:
    """What the candidate made of a call."""

    policy: str
    ruling: Ruling

    @property
    def reason(self) -> Reason:
        """`ok` stands for an offer."""
        return self.ruling.refused or Reason.OK

    def count(self, live: Reason) -> None:
        """In the metrics, beside what was really answered."""
        action = Action.OFFER if self.ruling.refused is None else Action.CONTINUE
        agrees = "yes" if self.reason is live else "no"
        SHADOWED.labels(action.value, self.reason.value, agrees).inc()


@dataclass(frozen=True, slots=True)
class Candidate:
    """The line's candidate, and what it alone wants to know."""

    terms: PolicyTerms
    recent_calls: int | None

    async def look(
        self, tx: Tx, wish: Wish, ready: Ready | None, seen: Circumstances, at: Moment, *, new: bool
    ) -> Shadow:
        """Its answer; only what it counts otherwise than the live policy is read anew."""
        mine = replace(at, recent_calls=self.recent_calls)
        ignored = self.terms.offers.ignored
        if ignored is not None and ignored != wish.line.terms.policy.offers.ignored:
            mine = replace(mine, offers=await remember_offers(tx, wish, ignored, new=new))
        ruling = rule(
            (*HARD, *SOFT), before_the_offer(seen, wish, ready, mine, self.terms), self.terms
        )
        return Shadow(fingerprint(self.terms), ruling)


async def candidate(readiness: Readiness, wish: Wish) -> Candidate | None:
    """The line's candidate, if it has one."""
    terms = wish.line.terms.shadow
    if terms is None:
        return None
    recent_calls = await readiness.recent_calls(wish.workspace_id, wish.line, terms)
    return Candidate(terms, recent_calls)
