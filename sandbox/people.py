"""The phones of the pretend network, and how each of them behaves."""

from dataclasses import dataclass, field

from sandbox.outgoing import Outgoing
from sandbox.specs import Behaviour, Json, Manner


@dataclass(slots=True)
class Person:
    """A phone somebody named, or that was sent something."""

    key: str
    name: str
    manner: Manner
    online: bool = True
    named: bool = False
    sms: Behaviour = Behaviour.REACHABLE
    sends: int = 0
    pending: list[Outgoing] = field(default_factory=list)

    def shown(self) -> Json:
        """The phone as JSON."""
        return {
            "number": f"+{self.key}",
            "name": self.name,
            "online": self.online,
            "sms": self.sms.value,
            **self.manner.model_dump(),
        }
