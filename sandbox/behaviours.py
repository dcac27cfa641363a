"""How each behaviour answers a message: a pure plan of what happens when."""

from dataclasses import dataclass
from typing import Literal

from sandbox.specs import Behaviour, Manner

StatusKind = Literal["sent", "delivered", "read", "played", "failed"]

NOT_ON_WHATSAPP = 131026
ECOSYSTEM = 131049
SOMETHING_WENT_WRONG = 131000


@dataclass(frozen=True, slots=True)
class Step:
    """One status, so many seconds after the request arrived."""

    after_s: float
    status: StatusKind
    code: int | None = None


def plan(manner: Manner) -> tuple[Step, ...]:
    """The statuses that follow an accepted message; `delivered` still waits for an online phone."""
    sent, delivered = manner.sent_ms / 1000, manner.delivered_ms / 1000
    failed = manner.failed_ms / 1000
    usual = (Step(sent, "sent"), Step(delivered, "delivered"))
    match manner.behaviour:
        case Behaviour.SILENT | Behaviour.MANUAL | Behaviour.HELD:
            return ()
        case Behaviour.THROTTLED | Behaviour.REFUSED:
            return ()
        case Behaviour.NOT_ON_WHATSAPP:
            return (Step(failed, "failed", NOT_ON_WHATSAPP),)
        case Behaviour.NOT_ON_WHATSAPP_AFTER_SENT:
            return (Step(sent, "sent"), Step(max(sent, failed), "failed", NOT_ON_WHATSAPP))
        case Behaviour.FAILS:
            code = manner.code or SOMETHING_WENT_WRONG
            return (Step(sent, "sent"), Step(max(sent, failed), "failed", code))
        case Behaviour.ECOSYSTEM:
            return (Step(failed, "failed", ECOSYSTEM),)
        case Behaviour.BLOCKED:
            return (Step(sent, "sent"),)
        case Behaviour.LATE:
            late = manner.late_ms / 1000
            return tuple(Step(step.after_s + late, step.status) for step in usual)
        case Behaviour.REORDER:
            return (Step(sent, "delivered"), Step(max(sent, delivered), "sent"))
        case _:
            return usual
