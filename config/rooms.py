"""What every command and process holds while it runs: the floor, and the channels to the world."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from config.settings import Settings
from core.access import People, Workspaces
from core.clock import Clock, utc_now
from core.events import Events
from core.outgoing.courier import Courier, open_courier
from core.postgres import Database, open_database
from core.sealing import Sealer
from core.vocabulary import ChannelKind
from core.wake import Wake, open_wake
from ivr_bridge import aftermath
from ivr_bridge.returns import following
from messaging.accounts import Accounts
from messaging.channel import Channel
from messaging.channels.sms import Sms
from messaging.channels.whatsapp import WhatsApp
from messaging.files import Files
from messaging.media import Library
from messaging.pacing import Pacing, pacing_redis

# Short, because a POST into a connection that the provider has just closed ends `unknown`.
_KEEPALIVE_S = 30.0


@dataclass(frozen=True, slots=True)
class Rooms:
    """The floor, opened once a process and handed down."""

    settings: Settings
    database: Database
    wake: Wake
    sealer: Sealer
    clock: Clock
    events: Events
    people: People
    workspaces: Workspaces
    accounts: Accounts
    channels: Mapping[ChannelKind, Channel]
    pacing: Pacing
    library: Library
    courier: Courier


@asynccontextmanager
async def rooms(settings: Settings, *, application: str, pool_size: int) -> AsyncIterator[Rooms]:
    """Open the floor for a process or command; everything is closed at the end."""
    database_url, redis_url = settings.need_databases()
    sealer = Sealer(settings.need_secret_key())
    events = subscribed()
    redis = pacing_redis(redis_url)
    connector = aiohttp.TCPConnector(limit=500, keepalive_timeout=_KEEPALIVE_S)
    try:
        async with (
            open_wake(redis_url) as wake,
            open_database(
                database_url, application=application, size=pool_size, hint=wake.hint
            ) as database,
            # Providers set no cookies that we want, and redirects are never followed.
            aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            ) as session,
            open_courier(utc_now) as courier,
        ):
            accounts = Accounts(database, sealer)
            channels: Mapping[ChannelKind, Channel] = {
                ChannelKind.WHATSAPP: WhatsApp(session),
                ChannelKind.SMS: Sms(session),
            }
            yield Rooms(
                settings=settings,
                database=database,
                wake=wake,
                sealer=sealer,
                clock=utc_now,
                events=events,
                people=People(),
                workspaces=Workspaces(database),
                accounts=accounts,
                channels=channels,
                pacing=Pacing(channels, redis),
                library=Library(database, Files(media_url(settings)), sealer, utc_now),
                courier=courier,
            )
    finally:
        await redis.aclose()


def subscribed() -> Events:
    """Which work follows which transition, across the rooms."""
    events = Events()
    aftermath.subscribe(events)
    following.subscribe(events)
    return events


def media_url(settings: Settings) -> str:
    """Where files live; beside the process when nothing else is said."""
    return settings.media.url or Path(".data/media").resolve().as_uri()
