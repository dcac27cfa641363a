"""FreeSWITCH around a Lua script: a session, an API with mod_curl as it is, and a call centre queue."""

import http.client
import re
import shlex
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import lupa.lua52 as lua

MUSIC = "local_stream://moh"


@dataclass
class Call:
    """One call through the script: what the caller presses, and what the caller met."""

    script: Path
    constants: dict[str, str | int]
    variables: dict[str, str]
    presses: list[str] = field(default_factory=list)
    waits: list[tuple[str, str]] = field(default_factory=list)
    """For each time in the queue: cc_cause and cc_cancel_reason."""
    met: list[str] = field(default_factory=list)
    pressed: Callable[[], None] = lambda: None
    _broken: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def run(self) -> list[str]:
        """From the first ring to the hangup hook."""
        self._lua([], Session(self))
        hook = self.variables.get("api_hangup_hook", "")
        if hook:
            self._lua(hook.split(" ")[2:], None)
        for thread in self._threads:
            thread.join(10)
        return self.met

    def _lua(self, arguments: list[str], session: "Session | None") -> None:
        source = self.script.read_text()
        for name, value in self.constants.items():
            text = str(value) if isinstance(value, int) else f'"{value}"'
            source, found = re.subn(
                f"^local {name} = .*$", f"local {name} = {text}", source, flags=re.MULTILINE
            )
            assert found == 1, name
        runtime = lua.LuaRuntime(unpack_returned_tuples=True)
        api = {"execute": lambda _, command, text: self._api(command, text)}
        runtime.globals()["freeswitch"] = runtime.table_from(
            {
                "API": lambda: runtime.table_from(api),
                "msleep": lambda ms: self._broken.wait(ms / 5000),
            }
        )
        runtime.globals()["argv"] = runtime.table_from(arguments)
        if session is not None:
            methods = {name: getattr(session, name) for name in dir(session) if name[0] != "_"}
            runtime.globals()["session"] = runtime.table_from(
                {name: lambda _, *more, act=act: act(*more) for name, act in methods.items()}
            )
        runtime.execute(source)

    def _api(self, command: str, text: str) -> str:
        match command:
            case "curl":
                return curl(text)
            case "luarun":
                script, *arguments = text.split(" ")
                assert script == self.script.name
                thread = threading.Thread(target=self._lua, args=(arguments, None))
                self._threads.append(thread)
                thread.start()
                return "+OK"
            case "uuid_setvar":
                _, name, value = text.split(" ", 2)
                self.variables[name] = value
            case "uuid_getvar":
                return self.variables.get(text.split(" ")[1], "_undef_")
            case "uuid_break":
                self._broken.set()
            case "callcenter_config":
                return "3\n"
            case _:
                raise AssertionError(command)
        return "+OK"


class Session:
    """What mod_lua calls `session`."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._up = True

    def getVariable(self, name: str) -> str | None:  # noqa: N802 - mod_lua's names
        return self._call.variables.get(name)

    def setVariable(self, name: str, value: str) -> None:  # noqa: N802
        self._call.variables[name] = value

    def answer(self) -> None:
        pass

    def setAutoHangup(self, wanted: bool) -> None:  # noqa: N802
        assert not wanted

    def ready(self) -> bool:
        return self._up

    def hangup(self) -> None:
        self._up = False
        self._call.met.append("hung up")

    def playAndGetDigits(self, *arguments: Any) -> str:  # noqa: N802
        self._call.met.append(f"ask {arguments[5]}")
        self._call.pressed()
        return self._call.presses.pop(0) if self._call.presses else ""

    def streamFile(self, name: str) -> None:  # noqa: N802
        self._call.met.append("music" if name == MUSIC else f"play {name}")
        if name == MUSIC:
            self._call._broken.wait(float(self._call.variables["playback_timeout_sec"]))

    def execute(self, application: str, data: str) -> None:
        assert application == "callcenter"
        self._call.met.append(f"queue {data}")
        cause, reason = self._call.waits.pop(0) if self._call.waits else ("cancel", "BREAK_OUT")
        self._call.variables |= {"cc_cause": cause, "cc_cancel_reason": reason}
        if cause == "answered":
            self._call.met.append("operator")


def curl(text: str) -> str:
    """mod_curl: words parted by spaces, the body decoded once, and half a body where there is half."""
    url, *words = shlex.split(text)
    options: dict[str, str] = {}
    while words:
        word = words.pop(0)
        options[word] = "" if word == "secure" else words.pop(0)
    address = urlsplit(url)
    name, _, value = options["append_headers"].partition(":")
    connection = http.client.HTTPConnection(
        address.hostname or "", address.port, timeout=float(options["timeout"])
    )
    said = b""
    try:
        connection.request(
            "POST", f"{address.path}?{address.query}", unquote(options["post"]).encode(),
            {name: value, "Content-Type": options["content-type"]},
        )  # fmt: skip
        said = connection.getresponse().read()
    except http.client.IncompleteRead as cut:
        said = cut.partial
    except OSError:
        pass
    finally:
        connection.close()
    return said.decode(errors="replace")
