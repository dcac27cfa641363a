"""The business numbers of the pretend network, and what each may send to whom."""

from dataclasses import dataclass, field

from sandbox import limits
from sandbox.postman import Postman
from sandbox.specs import AccountSpec, TemplateSpec

WINDOW_S = 24 * 3600.0


@dataclass(slots=True)
class Account:
    """A business number at work."""

    spec: AccountSpec
    postman: Postman
    bearer: str
    throughput: limits.Bucket
    pairs: dict[str, limits.Bucket] = field(default_factory=dict)
    windows: dict[str, float] = field(default_factory=dict)
    templates: dict[tuple[str, str], TemplateSpec] = field(default_factory=dict)
    service_messages: int = 0

    def window_open(self, person: str, now: float) -> bool:
        """Whether this customer wrote within the last 24 hours."""
        last = self.windows.get(person)
        return last is not None and now - last < WINDOW_S

    def pair_allows(self, person: str, now: float) -> bool:
        """Whether one more message to this customer fits the pair rate."""
        if not self.spec.pair_rate:
            return True
        bucket = self.pairs.get(person)
        if bucket is None:
            bucket = self.pairs[person] = limits.pair(now)
        return bucket.take(now)

    def forget(self, now: float) -> None:
        """Begin anew: nothing was ever sent or received."""
        self.postman.forget()
        self.windows.clear()
        self.pairs.clear()
        self.service_messages = 0
        self.throughput = limits.throughput(self.spec.mps, now)
