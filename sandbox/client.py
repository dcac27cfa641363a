"""The sandbox from a test or a benchmark: set it up, judge by it, and be a customer."""

from typing import Any

from sandbox.connection import Connection, SandboxError, digits
from sandbox.handset import Phone
from sandbox.specs import AccountSpec, Behaviour, Config, Json, LineSpec, Manner

__all__ = ["Phone", "SandboxClient", "SandboxError"]


class SandboxClient(Connection):
    """Control and judge."""

    # -- set up ------------------------------------------------------------------------------

    async def configure(self, config: Config) -> None:
        """Add and replace accounts, lines, numbers and the default."""
        await self.ask("PUT", "/sandbox/config", config.model_dump(exclude_unset=True))

    async def register(self, *accounts: AccountSpec, lines: tuple[LineSpec, ...] = ()) -> None:
        """Add or replace accounts and lines."""
        await self.configure(Config(accounts=list(accounts), lines=list(lines)))

    async def behave(self, number: str, behaviour: Behaviour | str, **more: Any) -> Json:
        """Tell a number how to behave; `more` are the fields beside it, such as `sent_ms`."""
        body = {"behaviour": str(behaviour), **more}
        return await self.ask("PUT", f"/sandbox/numbers/{digits(number)}", body)

    async def online(self, number: str, online: bool) -> Json:  # noqa: FBT001 - reads well
        """Switch a phone on or off."""
        return await self.ask("PUT", f"/sandbox/numbers/{digits(number)}", {"online": online})

    async def default(self, manner: Manner) -> None:
        """How numbers behave that nobody named."""
        await self.ask("PUT", "/sandbox/default", manner.model_dump())

    async def reset(self) -> None:
        """Begin anew; accounts, lines and the default stay."""
        await self.ask("POST", "/sandbox/reset")

    async def advance(self, seconds: float) -> None:
        """Move the sandbox's clock."""
        await self.ask("POST", "/sandbox/clock", {"advance_s": seconds})

    # -- judge -------------------------------------------------------------------------------

    async def wire(
        self,
        to: str | None = None,
        *,
        since: int = 0,
        kind: str | None = None,
        limit: int = 1000,
        wait_ms: int = 0,
    ) -> list[Json]:
        """Requests that reached the wire; with `wait_ms`, waits for the first."""
        query: dict[str, Any] = {"since": since, "limit": limit, "wait_ms": wait_ms}
        query |= {name: value for name, value in (("to", to), ("kind", kind)) if value}
        found: list[Json] = (await self.ask("GET", "/sandbox/wire", query=query))["requests"]
        return found

    async def openings(self, number: str) -> int:
        """How many opening messages left the product for this number."""
        return len(await self.wire(number, kind="opening", limit=100_000))

    async def counts(self, kind: str = "opening") -> dict[str, int]:
        """Openings (or other kinds) by number, exact also after the ring has turned over."""
        query = {"kind": kind}
        counts: dict[str, int] = (await self.ask("GET", "/sandbox/wire/counts", query=query))[
            "counts"
        ]
        return counts

    async def counters(self) -> Json:
        """What the network did in all."""
        return await self.ask("GET", "/sandbox/counters")

    async def webhooks(self) -> Json:
        """How webhook delivery stands."""
        return await self.ask("GET", "/sandbox/webhooks")

    # -- set off -----------------------------------------------------------------------------

    async def status(
        self,
        status: str,
        *,
        to: str | None = None,
        wamid: str | None = None,
        code: int | None = None,
        copies: int = 1,
    ) -> None:
        """Send one status now, for a wamid or for the last message to a number."""
        body = {"status": status, "to": to, "wamid": wamid, "code": code, "copies": copies}
        await self.ask("POST", "/sandbox/statuses", body)

    async def event(self, account: str, value: Json, *, copies: int = 1) -> None:
        """Send any webhook value."""
        body = {"account": account, "value": value, "copies": copies}
        await self.ask("POST", "/sandbox/events", body)

    async def inbound(self, account: str, sender: str, message: Json, *, copies: int = 1) -> str:
        """A customer's message of any type; returns its wamid."""
        body = {"account": account, "from": sender, "message": message, "copies": copies}
        return str((await self.ask("POST", "/sandbox/inbound", body))["id"])

    async def release(self, to: str | None = None) -> int:
        """Let held requests go on."""
        return int((await self.ask("POST", "/sandbox/release", {"to": to}))["released"])

    async def verify(self, account: str) -> Json:
        """Do the webhook handshake."""
        return await self.ask("POST", "/sandbox/webhooks/verify", {"account": account})

    async def pause(self) -> None:
        """Stop delivering webhooks."""
        await self.ask("POST", "/sandbox/webhooks/pause")

    async def resume(self) -> None:
        """Deliver again."""
        await self.ask("POST", "/sandbox/webhooks/resume")

    async def flush(self) -> int:
        """Retry at once; returns how many updates are left undelivered."""
        return int((await self.ask("POST", "/sandbox/webhooks/flush"))["undelivered"])

    def phone(self, number: str) -> Phone:
        """A customer's phone."""
        return Phone(self, number)
