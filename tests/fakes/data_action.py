"""A Genesys Cloud data action: its templates, its request, and the path that the flow takes afterwards."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

_ESCAPED = re.compile(r"\$esc\.jsonString\(\$\{input\.(?P<name>\w+)\}\)")
_PLACE = re.compile(r"\$\{(?P<name>[\w.]+)\}")


@dataclass(frozen=True, slots=True)
class Ran:
    """Which way the flow goes on, and with what."""

    path: str
    outputs: Mapping[str, Any]


async def run(
    action: Mapping[str, Any],
    inputs: Mapping[str, str],
    *,
    url: str,
    key: str,
    seconds: float | None = None,
) -> Ran:
    """Call the action as Architect does."""
    wanted = action["contract"]["input"]["inputSchema"]["required"]
    assert set(wanted) == set(inputs)
    request, response = action["config"]["request"], action["config"]["response"]
    body = _ESCAPED.sub(
        lambda found: json.dumps(inputs[found["name"]])[1:-1], request["requestTemplate"]
    )
    headers = {
        name: _PLACE.sub(lambda found: {"credentials.bridgeKey": key}[found["name"]], value)
        for name, value in request["headers"].items()
    }
    limit = aiohttp.ClientTimeout(total=seconds or action["config"]["timeoutSeconds"])
    address = request["requestUrlTemplate"].replace("https://bridge.example", url)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as http,
            http.request(
                request["requestType"], address, data=body.encode(), headers=headers
            ) as answer,
        ):
            if not answer.ok:
                return Ran("failure", {})
            document = json.loads(await answer.read())
    except TimeoutError:
        return Ran("timeout", {})
    except (aiohttp.ClientError, ValueError):
        return Ran("failure", {})
    return Ran("success", _translated(response, document))


def _translated(response: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The translation map fills the success template; a value is written as JSON, so with its quotes."""
    values: dict[str, str] = {}
    for name, path in response["translationMap"].items():
        member = path.removeprefix("$.")
        known = document.get(member)
        values[name] = (
            response["translationMapDefaults"][name] if known is None else json.dumps(known)
        )
    text = _PLACE.sub(lambda found: values[found["name"]], response["successTemplate"])
    outputs: dict[str, Any] = json.loads(text)
    return outputs
