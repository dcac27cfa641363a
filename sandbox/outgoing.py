"""What the product sent, whichever way it came in."""

from dataclasses import dataclass, field

from sandbox.specs import Json


@dataclass(slots=True)
class Outgoing:
    """One message that the product sent and the network accepted."""

    wamid: str
    account: str
    person: str
    type: str
    body: Json
    at: float
    tracker: str | None = None
    category: str = "service"
    free: bool = False
    expires_at: float | None = None
    statuses: list[str] = field(default_factory=list)
