"""What an operator is about to say, and where."""

from typing import Any

from core.ids import new_id

WORDS = "Good day"


def draft(held: Any, **more: Any) -> Any:
    said = {} if {"template", "media_id"} & more.keys() else {"text": WORDS}
    return {"client_id": str(new_id()), "epoch": held["epoch"], **said, **more}


def thread_of(held: Any) -> str:
    return f"/v1/conversations/{held['id']}/messages"


async def refused(browser: Any, path: str, body: Any) -> tuple[int, str]:
    status, told = await browser.ask("POST", path, body)
    return status, told["code"]
