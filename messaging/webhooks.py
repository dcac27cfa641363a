"""A provider speaks: verify the raw bytes, understand them, commit, and only then say 200."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_network

import structlog
from prometheus_client import Counter

from core.access import Workspaces
from core.access.keys import Address
from core.faults import Forbidden, Unauthorized
from core.vocabulary import ChannelKind
from messaging.accounts import Accounts, AccountUnknown
from messaging.channel import Account, Channel, InboundEvent
from messaging.intake import Intake

log = structlog.get_logger()

MAX_BODY = 4 * 1024 * 1024
"""Meta sends up to 3 MB."""

_LARGE = 128 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

REFUSED = Counter("ivr_bridge_webhooks_refused_total", "Webhooks refused", ["channel", "reason"])


class SignatureWrong(Unauthorized, code="signature_wrong"):
    """The signature does not fit this body: check the account's app secret."""


class AddressWrong(Forbidden, code="address_wrong"):
    """This account's webhooks do not come from this address."""


class HandshakeRefused(Forbidden, code="handshake_refused"):
    """The verify token is not this account's."""


class Webhooks:
    """Takes what providers send."""

    def __init__(
        self,
        workspaces: Workspaces,
        accounts: Accounts,
        channels: Mapping[ChannelKind, Channel],
        intake: Intake,
    ) -> None:
        self._workspaces = workspaces
        self._accounts = accounts
        self._channels = channels
        self._intake = intake

    async def find(self, workspace: str, account: str) -> tuple[Account, Channel]:
        """Whose webhook this is; raises NotFound."""
        if not (_NAME.fullmatch(workspace) and _NAME.fullmatch(account)):
            # Whatever this is, it is not worth asking the database about.
            raise AccountUnknown
        workspace_id = await self._workspaces.number(workspace)
        found = await self._accounts.find(workspace_id, account)
        channel = self._channels.get(found.kind)
        if channel is None:
            raise AccountUnknown
        return found, channel

    def handshake(self, account: Account, channel: Channel, query: Mapping[str, str]) -> str:
        """The answer to a provider that asks whether this address is ours."""
        answer = channel.handshake(account, query)
        if answer is None:
            REFUSED.labels(account.kind.value, "handshake").inc()
            raise HandshakeRefused
        return answer

    async def take(
        self,
        account: Account,
        channel: Channel,
        headers: Mapping[str, str],
        body: bytes,
        *,
        peer: Callable[[], Address | None],
    ) -> None:
        """Returns when every event in the body is committed; raises SignatureWrong or Unavailable.

        `peer` finds the address that it comes from, for accounts that name their provider's.
        """
        if not _comes_from_there(account, peer):
            REFUSED.labels(account.kind.value, "address").inc()
            raise AddressWrong
        if not channel.verify(account, headers, body):
            REFUSED.labels(account.kind.value, "signature").inc()
            raise SignatureWrong
        await self._intake.take(account, await self._understood(account, channel, body), body)

    async def _understood(
        self, account: Account, channel: Channel, body: bytes
    ) -> Sequence[InboundEvent] | None:
        """The events, or None where the body is none of the provider's: kept as it is, for a person."""
        try:
            if len(body) > _LARGE:
                # A thousand events take tens of milliseconds to read: callers must not wait for it.
                return await asyncio.to_thread(channel.parse, account, body)
            return channel.parse(account, body)
        except ValueError:
            log.warning("webhook.unparsed", account_id=str(account.id), size=len(body))
            return None


def _comes_from_there(account: Account, peer: Callable[[], Address | None]) -> bool:
    named = account.settings.get("webhook_addresses")
    if not named:
        return True
    address = peer()
    return address is not None and any(
        address in ip_network(network) for network in named.split(",")
    )
