"""The composition root: which rooms a process opens, and how they are joined. Nobody imports it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

from aiohttp import web

from config.pages import guarded, page_routes
from config.rooms import Rooms, rooms
from config.settings import Settings
from core import health
from core.access import Keys, SignIns
from core.clock import utc_now
from core.entrance import KEYS, TRUSTED_PROXIES, networks
from core.http import PUBLIC_ORIGIN, SIGN_INS, Endpoint
from core.jobs import Band, Handler
from core.openapi import document
from core.outgoing.deliveries import Outgoing
from core.postgres import Database, open_database
from core.problems import traced
from core.sizes import counted
from handoff import jobs as handoff_jobs
from handoff.conversation.conversations import Conversations
from handoff.conversation.inbound import Inbound
from handoff.desk import api as desk_api
from handoff.desk import live as desk_live
from handoff.desk import sign_in
from handoff.desk.asking import DESK, Desk
from handoff.desk.watching import Watchers
from handoff.routing.operators import Operators
from ivr_bridge import api as bridge_api
from ivr_bridge.admin import api as admin_api
from ivr_bridge.admin.api import ADMIN, Admin
from ivr_bridge.admin.keeping import LineKeeping
from ivr_bridge.admin.trial import Trials
from ivr_bridge.admission import Admission
from ivr_bridge.aftermath import Aftermath
from ivr_bridge.again import Again
from ivr_bridge.asking import Bridge
from ivr_bridge.astray import still_answered
from ivr_bridge.deflections import Deflections
from ivr_bridge.dialects.fastagi.server import FastAgi
from ivr_bridge.dialects.secrets import LineSecrets
from ivr_bridge.eligibility import Eligibility
from ivr_bridge.events import CallEvents
from ivr_bridge.explanation import Explanations
from ivr_bridge.explanation import api as explanation_api
from ivr_bridge.explanation.api import EXPLANATIONS
from ivr_bridge.guard.guard import make_guard
from ivr_bridge.handlers import BRIDGE, RECEPTION
from ivr_bridge.lines import Lines
from ivr_bridge.means import Means
from ivr_bridge.offering import UsualOffers
from ivr_bridge.readiness import Readiness
from ivr_bridge.reception import Reception
from ivr_bridge.reports import api as reports_api
from ivr_bridge.reports.api import COUNTS_WITHIN_S, REPORTS, Reports
from ivr_bridge.rescues import api as rescues_api
from ivr_bridge.rescues.api import LINKS
from ivr_bridge.rescues.links import Links
from ivr_bridge.returns import api as returns_api
from ivr_bridge.returns.api import RETURNS, Returns
from ivr_bridge.returns.following import Following
from ivr_bridge.shared import Shared, open_shared
from ivr_bridge.shares import Shares
from messaging import api as messaging_api
from messaging import work as messaging_work
from messaging.api import LIBRARY, WEBHOOKS
from messaging.intake import HANDS, open_intake
from messaging.webhooks import Webhooks

ENDPOINTS: Sequence[Endpoint] = (
    *bridge_api.ENDPOINTS,
    *rescues_api.ENDPOINTS,
    *explanation_api.ENDPOINTS,
    *returns_api.ENDPOINTS,
    *messaging_api.ENDPOINTS,
    *sign_in.ENDPOINTS,
    *desk_api.ENDPOINTS,
    *desk_live.ENDPOINTS,
    *reports_api.ENDPOINTS,
    *admin_api.ENDPOINTS,
)

# How many jobs of a band a worker has in hand. A band waits for nobody else's.
_HANDS = {"urgent": 8, "inbound": 8, "send": 32, "media": 4, "normal": 4, "outgoing": 8}


@asynccontextmanager
async def web_app(settings: Settings) -> AsyncIterator[web.Application]:
    """The web process: every address of the service, over pools that cannot starve each other."""
    async with AsyncExitStack() as opened:
        house = await opened.enter_async_context(
            rooms(settings, application="people", pool_size=settings.pools.people)
        )
        ivr = await _pool(opened, house, "ivr", settings.pools.ivr, hot=True)
        webhooks = await _pool(opened, house, "webhooks", settings.pools.webhooks, hot=True)
        await opened.enter_async_context(counted(house.database))
        app = web.Application(middlewares=[traced, guarded, still_answered])
        app[health.DATABASE] = house.database
        app[health.READINESS] = health.Readiness()
        app[PUBLIC_ORIGIN] = settings.origin
        app[TRUSTED_PROXIES] = networks(settings.trusted_proxies)
        app[KEYS] = Keys(ivr, house.sealer, house.clock)
        app[SIGN_INS] = SignIns(house.database, house.people, house.clock)
        await _join_messaging(app, opened, house, webhooks)
        await _join_bridge(app, opened, house, ivr, await _shared(opened, house))
        await _join_desk(app, opened, house)
        await _join_reports(app, opened, house)
        app.add_routes([endpoint.route for endpoint in ENDPOINTS])
        app.add_routes(page_routes(settings.web_dist, openapi_document()))
        app.add_routes(health.probes())
        yield app


def fastagi_server(app: web.Application, settings: Settings) -> FastAgi:
    """The same decisions for Asterisk's AGI(), over what this application already has open."""
    return FastAgi(
        app[BRIDGE],
        app[KEYS],
        app[RECEPTION].shares,
        utc_now,
        at_once=settings.limits.fastagi_at_once,
    )


def bands(house: Rooms) -> Sequence[Band]:
    """Every job that a worker does, grouped so that a backlog in one group delays no other."""
    handlers: dict[str, dict[str, Handler]] = defaultdict(dict)
    for room in (
        _outgoing_handlers(house),
        _messaging_handlers(house),
        _handoff_handlers(house),
        _bridge_handlers(house),
        Following(house.database, house.events, house.clock).handlers(),
        Again(house.database, house.clock).handlers(),
    ):
        for band, by_kind in room.items():
            handlers[band].update(by_kind)
    if unknown := handlers.keys() - _HANDS.keys():
        raise ValueError(f"nobody works the bands {unknown}")
    return [Band(name, hands, handlers[name]) for name, hands in _HANDS.items()]


def openapi_document() -> dict[str, Any]:
    """What the service offers, as OpenAPI 3.1."""
    return document(ENDPOINTS, version=version("ivr-bridge"))


async def _pool(
    opened: AsyncExitStack, house: Rooms, name: str, size: int, *, hot: bool = False
) -> Database:
    database_url, _ = house.settings.need_databases()
    return await opened.enter_async_context(
        open_database(database_url, application=name, size=size, hint=house.wake.hint, hot=hot)
    )


async def _join_messaging(
    app: web.Application, opened: AsyncExitStack, house: Rooms, database: Database
) -> None:
    settings = house.settings
    intake = await opened.enter_async_context(
        open_intake(
            database,
            house.events,
            house.pacing,
            waiting=settings.limits.webhooks_waiting,
            # One connection is left for looking accounts up.
            hands=max(1, min(HANDS, settings.pools.webhooks - 1)),
        )
    )
    app[WEBHOOKS] = Webhooks(house.workspaces, house.accounts, house.channels, intake)
    app[LIBRARY] = house.library


async def _shared(opened: AsyncExitStack, house: Rooms) -> Shared:
    database_url, _ = house.settings.need_databases()
    return await opened.enter_async_context(
        open_shared(database_url, size=house.settings.pools.shared, hint=house.wake.hint)
    )


async def _join_bridge(
    app: web.Application,
    opened: AsyncExitStack,
    house: Rooms,
    database: Database,
    shared: Shared,
) -> None:
    readiness = Readiness(database, house.accounts)
    guard = make_guard(database, house.pacing, shared)
    means = Means(
        database=database,
        shared=shared,
        wake=house.wake,
        events=house.events,
        readiness=readiness,
        guard=guard,
        admission=Admission(house.pacing),
        channels=house.channels,
        clock=house.clock,
    )
    deflections = Deflections(means, at_once=house.settings.limits.deflections_at_once)
    await opened.enter_async_context(deflections.running())
    lines = Lines(database, house.clock)
    app[LINKS] = Links(database)
    secrets = LineSecrets(database, house.sealer)
    app[RECEPTION] = Reception(
        house.workspaces, lines, secrets, house.clock, Shares(house.settings.limits.per_key_at_once)
    )
    app[BRIDGE] = Bridge(
        lines=lines,
        deflections=deflections,
        eligibility=Eligibility(database, readiness, guard, house.clock, UsualOffers(shared)),
        events=CallEvents(database, lines, house.clock),
    )
    # People's own connections: what they look at takes nothing from the calls.
    app[EXPLANATIONS] = Explanations(house.database, lines)
    app[ADMIN] = Admin(
        lines=LineKeeping(house.database, house.clock),
        trials=Trials(app[BRIDGE].eligibility, app[BRIDGE].deflections, house.clock),
    )
    app[RETURNS] = Returns(database, lines, house.events, house.clock)


async def _join_desk(app: web.Application, opened: AsyncExitStack, house: Rooms) -> None:
    app[DESK] = Desk(
        database=house.database,
        clock=house.clock,
        conversations=Conversations(house.database, house.events, house.clock),
        operators=Operators(house.database, house.clock),
        watchers=Watchers(house.database, house.clock),
        capabilities={kind: channel.capabilities for kind, channel in house.channels.items()},
        media_link=house.library.path,
    )
    await opened.enter_async_context(desk_live.running(app, house.wake))


async def _join_reports(app: web.Application, opened: AsyncExitStack, house: Rooms) -> None:
    # Connections of their own: a long count keeps nobody at the desk waiting.
    database_url, _ = house.settings.need_databases()
    at_once = house.settings.limits.reports_at_once
    database = await opened.enter_async_context(
        open_database(
            database_url, application="reports", size=at_once, command_timeout_s=COUNTS_WITHIN_S
        )
    )
    app[REPORTS] = Reports(database, house.clock, at_once=at_once)


def _outgoing_handlers(house: Rooms) -> Mapping[str, Mapping[str, Handler]]:
    return Outgoing(house.database, house.sealer, house.courier, house.events).handlers()


def _messaging_handlers(house: Rooms) -> Mapping[str, Mapping[str, Handler]]:
    return messaging_work.handlers(
        database=house.database,
        channels=house.channels,
        accounts=house.accounts,
        pacing=house.pacing,
        library=house.library,
        events=house.events,
        clock=house.clock,
        inbound=Inbound(house.events, house.clock),
    )


def _handoff_handlers(house: Rooms) -> Mapping[str, Mapping[str, Handler]]:
    return handoff_jobs.handlers(house.database, house.events, house.clock)


def _bridge_handlers(house: Rooms) -> Mapping[str, Mapping[str, Handler]]:
    return Aftermath(house.database, house.clock, house.settings.origin).handlers()
