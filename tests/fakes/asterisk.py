"""An Asterisk channel that meets a FastAGI server: the protocol as AGI() speaks it, over a socket."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

_CALLS = itertools.count(1)


@dataclass(slots=True)
class Channel:
    """A call in Asterisk, with its variables."""

    caller: str
    dialled: str
    unique_id: str = field(default_factory=lambda: f"1759000000.{next(_CALLS)}")
    caller_name: str = "unknown"
    presentation: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    set_in_order: list[str] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def agi(
        self,
        address: tuple[str, int],
        script: str,
        *arguments: str,
        breaks_at: str | None = None,
        connect_s: float = 2.0,
    ) -> str:
        """AGI(agi://address/script,arguments): its AGISTATUS. The socket breaks at a variable of choice."""
        try:
            async with asyncio.timeout(connect_s):
                reader, writer = await asyncio.open_connection(*address)
        except OSError:
            return "FAILURE"
        leaving = asyncio.ensure_future(self._leave(writer))
        try:
            writer.write(self.headers(script, arguments))
            while command := await reader.readline():
                name, value = _assignment(command.decode().rstrip("\n"))
                if name == breaks_at:
                    return "FAILURE"
                self.variables[name] = value
                self.set_in_order.append(name)
                writer.write(b"200 result=1\n")
            return "HANGUP" if self.hung_up.is_set() else "SUCCESS"
        except ConnectionError:
            return "FAILURE"
        finally:
            leaving.cancel()
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await leaving
                await writer.wait_closed()

    def headers(self, script: str, arguments: Sequence[str] = ()) -> bytes:
        """What Asterisk says first."""
        told: Mapping[str, str] = {
            "agi_network": "yes",
            "agi_network_script": script,
            "agi_request": f"agi://bridge/{script}",
            "agi_channel": "PJSIP/trunk-00000001",
            "agi_language": "ru",
            "agi_type": "PJSIP",
            "agi_uniqueid": self.unique_id,
            "agi_version": "22.0.0",
            "agi_callerid": self.caller or "unknown",
            "agi_calleridname": self.caller_name,
            "agi_callingpres": str(self.presentation),
            "agi_dnid": self.dialled or "unknown",
            "agi_rdnis": "unknown",
            "agi_context": "from-trunk",
            "agi_extension": "s",
            "agi_priority": "7",
            **{f"agi_arg_{place}": text for place, text in enumerate(arguments, 1)},
        }
        lines = [f"{name}: {value}\n" for name, value in told.items()]
        return "".join([*lines, "\n"]).encode()

    async def _leave(self, writer: asyncio.StreamWriter) -> None:
        """Asterisk tells the script that the caller is gone, and lets it finish."""
        await self.hung_up.wait()
        writer.write(b"HANGUP\n")


def _assignment(command: str) -> tuple[str, str]:
    """`SET VARIABLE name "value"`, with Asterisk's escapes."""
    assert command.startswith("SET VARIABLE "), command
    name, _, quoted = command.removeprefix("SET VARIABLE ").partition(" ")
    assert quoted[:1] == quoted[-1:] == '"', command
    return name, quoted[1:-1].replace('\\"', '"').replace("\\\\", "\\")
