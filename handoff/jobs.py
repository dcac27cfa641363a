"""Every job of this room, by the band that runs it."""

from collections.abc import Mapping

from core.clock import Clock
from core.events import Events
from core.jobs import Endless, Handler, transactional
from core.postgres import Database
from handoff.conversation.inbound import BOT_TURN
from handoff.conversation.opening import DISMISS_CALLBACK, INVITATION_OVER
from handoff.conversation.timers import Timers
from handoff.conversation.wrapping import WRAPUP_OVER
from handoff.routing.operators import GRACE_OVER, RESCIND, SOCKETS, Operators
from handoff.routing.placing import Placer
from handoff.routing.reservations import RESERVATION_OVER
from handoff.routing.returning import UNANSWERED
from handoff.routing.soon import PLACE
from handoff.triage.runner import BOT_IDLE, BotRunner


def handlers(
    database: Database, events: Events, clock: Clock
) -> Mapping[str, Mapping[str, Handler]]:
    """Band, then kind: what `work` runs for this room."""
    timers = Timers(database, events, clock)
    runner = BotRunner(database, events, clock)
    operators = Operators(database, clock)
    return {
        "urgent": {
            PLACE: Endless(Placer(database, clock).place),
            RESERVATION_OVER: transactional(database, timers.reservation_over),
            UNANSWERED: transactional(database, timers.unanswered),
            WRAPUP_OVER: transactional(database, timers.wrapup_over),
            DISMISS_CALLBACK: transactional(database, timers.dismiss_callback),
            RESCIND: timers.rescind,
            GRACE_OVER: timers.grace_over,
            SOCKETS: Endless(operators.sweep_sockets),
        },
        "inbound": {BOT_TURN: runner.turn},
        "normal": {
            BOT_IDLE: transactional(database, runner.idle),
            INVITATION_OVER: transactional(database, timers.invitation_over),
        },
    }
