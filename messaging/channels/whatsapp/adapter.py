"""The WhatsApp Cloud API as a channel."""

import hmac
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import ClassVar

import aiohttp
from yarl import URL

from core.clock import Clock, utc_now
from core.vocabulary import ChannelKind
from messaging.channel import (
    Accepted,
    Account,
    AddressKind,
    Ambiguous,
    Capabilities,
    Failure,
    FailureClass,
    InboundEvent,
    MediaFile,
    Outgoing,
    Rejected,
    RemoteMedia,
    ReportedStatus,
)
from messaging.channels.whatsapp import inbound, outbound, wire
from messaging.channels.whatsapp.graph import Answer, Budget, Letter, TooLarge, exchange
from messaging.channels.whatsapp.signature import header, is_signed
from messaging.channels.whatsapp.wire import JsonObject, mapping, sequence, text

_MIB = 1 << 20

CAPABILITIES = Capabilities(
    window_s=24 * 60 * 60,
    max_text=4096,
    reports=frozenset(ReportedStatus),
    messages_per_second=80.0,
    pair_interval_s=6.0,
    pair_burst=45,
    media_limits=MappingProxyType(
        {
            "image": 5 * _MIB,
            "video": 16 * _MIB,
            "audio": 16 * _MIB,
            "application": 100 * _MIB,
            "text": 100 * _MIB,
        }
    ),
)

# On a send it means that our number is gone; on a lookup, that the file is.
_NO_SUCH_OBJECT = "33"

# Where Meta serves files from. The access token goes to no other host, whatever a body says.
_MEDIA_HOSTS = (".fbsbx.com", ".facebook.com", ".fbcdn.net", ".whatsapp.net", ".whatsapp.com")


class WhatsApp:
    """Speaks for any number of Cloud API accounts over one shared session.

    A reseller with Meta's formats differs in its address, credentials and signature header:
    override `address`, `credentials` and the two class variables.
    """

    kind: ChannelKind = ChannelKind.WHATSAPP
    capabilities: Capabilities = CAPABILITIES
    signature_header: ClassVar[str] = "X-Hub-Signature-256"
    signing_secrets: ClassVar[tuple[str, ...]] = ("app_secret", "app_secret_previous")

    def __init__(self, session: aiohttp.ClientSession, *, clock: Clock = utc_now) -> None:
        """`clock` dates only what the provider itself left without a time."""
        self._session = session
        self._clock = clock

    def verify(self, account: Account, headers: Mapping[str, str], body: bytes) -> bool:
        """Signed by either live secret, so that one can be replaced without losing a webhook."""
        secrets = [account.secrets.get(name) for name in self.signing_secrets]
        return is_signed(header(headers, self.signature_header), body, secrets)

    def handshake(self, account: Account, query: Mapping[str, str]) -> str | None:
        """The challenge, for whoever knows the account's verify token."""
        expected = account.secrets.get("verify_token")
        challenge = query.get("hub.challenge")
        if not expected or not challenge or query.get("hub.mode") != "subscribe":
            return None
        given = query.get("hub.verify_token", "")
        fits = hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
        return challenge if fits else None

    def parse(self, account: Account, body: bytes) -> Sequence[InboundEvent]:
        """Every event of this account's number in the body."""
        return list(inbound.events(account, body, self._clock()))

    async def send(self, account: Account, outgoing: Outgoing, *, timeout_s: float) -> Accepted:
        """One POST of one message; a file that Meta has not got yet goes up first."""
        budget = Budget(timeout_s)
        media_id = await self._media_id(account, outgoing.media, budget)
        body = outbound.message_body(outgoing, media_id)
        answer = await self._post(
            account, body, timeout_s=budget.left_s, leave_within_s=outgoing.leave_within_s
        )
        return _accepted(answer.document)

    async def mark_read(
        self, account: Account, provider_id: str, *, typing: bool, timeout_s: float
    ) -> None:
        """Blue ticks, and a typing mark for 25 s or until the next message."""
        await self._post(
            account, outbound.read_body(provider_id, typing=typing), timeout_s=timeout_s
        )

    async def upload(self, account: Account, media: MediaFile, *, timeout_s: float) -> str:
        """Meta keeps it for 30 days under the id that this answers."""
        if media.content is None:
            raise Rejected(Failure(FailureClass.OUR_REQUEST, "no_content"))
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("messaging_product", "whatsapp")
        form.add_field("type", media.mime)
        form.add_field(
            "file", media.content, filename=media.name or "file", content_type=media.mime
        )
        answer = await exchange(
            self._session,
            "POST",
            self.address(account, account.external_id, "media"),
            headers=self.credentials(account),
            data=form,
            timeout_s=timeout_s,
        )
        if media_id := text(answer.document.get("id")):
            return media_id
        raise Ambiguous("no_media_id")

    async def download(
        self, account: Account, media: RemoteMedia, *, limit: int, timeout_s: float
    ) -> tuple[bytes, str]:
        """Asks where the file is, because an address is good for five minutes only, and fetches it."""
        budget = Budget(timeout_s)
        found = await self._whereabouts(account, media, budget)
        if (wire.number(found.get("file_size")) or 0) > limit:
            raise _too_large()
        try:
            file = await exchange(
                self._session,
                "GET",
                _trusted(account, text(found.get("url"))),
                headers=self.credentials(account),
                timeout_s=budget.left_s,
                limit=limit,
            )
        except TooLarge:
            raise _too_large() from None
        return file.content, text(found.get("mime_type")) or file.mime or media.mime

    def address(self, account: Account, *path: str) -> URL:
        """Where a Graph object lives for this account."""
        version = account.settings.get("graph_version") or "v26.0"
        return _joined(account.base_url, version, *path)

    def credentials(self, account: Account) -> dict[str, str]:
        """The headers that say who asks."""
        return {"Authorization": f"Bearer {account.secrets.get('access_token', '')}"}

    async def _post(
        self,
        account: Account,
        body: JsonObject,
        *,
        timeout_s: float,
        leave_within_s: float | None = None,
    ) -> Answer:
        return await exchange(
            self._session,
            "POST",
            self.address(account, account.external_id, "messages"),
            headers=self.credentials(account),
            data=Letter(body),
            timeout_s=timeout_s,
            leave_within_s=leave_within_s,
        )

    async def _whereabouts(
        self, account: Account, media: RemoteMedia, budget: Budget
    ) -> JsonObject:
        try:
            answer = await exchange(
                self._session,
                "GET",
                self.address(account, media.provider_media_id),
                headers=self.credentials(account),
                timeout_s=budget.left_s,
            )
        except Rejected as refused:
            if refused.failure.code == _NO_SUCH_OBJECT:
                raise Rejected(Failure(FailureClass.OUR_REQUEST, "media_gone")) from None
            raise
        return answer.document

    async def _media_id(
        self, account: Account, media: MediaFile | None, budget: Budget
    ) -> str | None:
        if media is None or media.provider_media_id:
            return media.provider_media_id if media else None
        try:
            return await self.upload(account, media, timeout_s=budget.left_s)
        except Ambiguous:
            # Whatever became of the file, no message about it has gone out.
            raise Rejected(Failure(FailureClass.TRANSIENT, "upload_unclear")) from None


# Nearly always the place where an account's messages go.
@lru_cache(maxsize=256)
def _joined(base_url: str, *path: str) -> URL:
    return URL(base_url).joinpath(*path)


def _accepted(document: JsonObject) -> Accepted:
    """The wamid, and the ids that Meta knows this person by: a BR or MX wa_id differs from the number."""
    messages = sequence(document.get("messages"))
    provider_id = text(mapping(messages[0] if messages else None).get("id"))
    if provider_id is None:
        raise Ambiguous("no_message_id")
    contacts = sequence(document.get("contacts"))
    contact = mapping(contacts[0] if contacts else None)
    learnt: dict[AddressKind, str] = {}
    if found := wire.wa_id(contact.get("wa_id")):
        learnt[AddressKind.WA_ID] = found
    if found := wire.bsuid(contact.get("user_id")):
        learnt[AddressKind.BSUID] = found
    return Accepted(provider_id, learnt)


def _trusted(account: Account, claimed: str | None) -> URL:
    """The file's address, if the access token may go there."""
    home = URL(account.base_url)
    try:
        # Meta signs the query as it stands; re-encoding it would break the link.
        url = URL(claimed or "", encoded=True)
    except ValueError:
        url = URL()
    same_host = (url.scheme, url.host, url.port) == (home.scheme, home.host, home.port)
    if same_host or (url.scheme == "https" and (url.host or "").endswith(_MEDIA_HOSTS)):
        return url
    raise Rejected(Failure(FailureClass.OUR_REQUEST, "media_address"))


def _too_large() -> Rejected:
    return Rejected(Failure(FailureClass.OUR_REQUEST, "media_too_large"))
