"""One call from beginning to chat, so that a fresh demo has something to see."""

from collections.abc import Mapping
from typing import Any

from config.demo.facts import PLAYED
from sandbox.client import Phone, SandboxClient, SandboxError
from sandbox.specs import Json

_ACCOUNT = "100000000000001"
_TRIES = 3
"""A machine that has just started everything may answer the first call too late for an offer."""


async def play_one_call(facts: Mapping[str, Any]) -> None:
    """A customer calls, presses 1, gets the message and writes; raises SandboxError when it does not work.

    Goes on where an earlier start was cut off: whoever was told to hang up is offered no chat again.
    """
    async with SandboxClient(facts["sandbox_url"]) as sandbox:
        phone = sandbox.phone(PLAYED[0])
        if not await phone.messages(_ACCOUNT):
            await _move_to_chat(phone, facts["line"])
        if not any(message["mine"] for message in await phone.messages(_ACCOUNT)):
            await phone.write(_ACCOUNT, "Здравствуйте! Где мой заказ?")
        await phone.wait_for(
            _ACCOUNT, lambda message: not message["mine"] and message["kind"] != "template"
        )


async def _move_to_chat(phone: Phone, line: str) -> None:
    for _ in range(_TRIES):
        await phone.dial(line, "ru")
        call = await phone.wait_for_call(_offers_or_not)
        if call["awaiting_key"]:
            await phone.press("1")
            call = await phone.wait_for_call(_decided)
        if call["outcome"] == "hangup":
            await phone.wait_for(_ACCOUNT)
            return
        await phone.hang_up()
    raise SandboxError(f"none of {_TRIES} calls moved to the chat")


def _offers_or_not(call: Json) -> bool:
    return bool(call["awaiting_key"]) or _decided(call)


def _decided(call: Json) -> bool:
    return call["outcome"] in {"hangup", "continue"}
