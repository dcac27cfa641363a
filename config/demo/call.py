"""One call from beginning to chat, so that a fresh demo has something to see."""

from collections.abc import Mapping
from typing import Any

from config.demo.facts import PLAYED
from sandbox.client import SandboxClient


async def play_one_call(facts: Mapping[str, Any]) -> None:
    """A customer calls, presses 1, gets the message and writes; raises SandboxError when it does not work."""
    account = "100000000000001"
    async with SandboxClient(facts["sandbox_url"]) as sandbox:
        phone = sandbox.phone(PLAYED[0])
        await phone.dial(facts["line"], "ru")
        await phone.wait_for_call(lambda call: bool(call["awaiting_key"]))
        await phone.press("1")
        await phone.wait_for(account)
        await phone.write(account, "Здравствуйте! Где мой заказ?")
        await phone.wait_for(
            account, lambda message: not message["mine"] and message["kind"] != "template"
        )
