"""What a deflection works with."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.clock import Clock
from core.events import Events
from core.postgres import Database
from core.vocabulary import ChannelKind
from core.wake import Wake
from ivr_bridge.admission import Admission
from ivr_bridge.guard.guard import Guard
from ivr_bridge.readiness import Readiness
from ivr_bridge.shared import Shared
from messaging.channel import Channel


@dataclass(frozen=True, slots=True)
class Means:
    """Everything outside it that it asks."""

    database: Database
    shared: Shared
    """Connections whose transactions several calls share, by step; they give up soon on a held row."""
    wake: Wake
    events: Events
    readiness: Readiness
    guard: Guard
    admission: Admission
    channels: Mapping[ChannelKind, Channel]
    clock: Clock
