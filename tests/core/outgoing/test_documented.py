"""The code that docs/api/webhooks.md gives to receivers tells genuine from false."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ivr_bridge.news import News
from tests.core.outgoing.test_signing import (
    VECTOR_AT,
    VECTOR_BODY,
    VECTOR_ID,
    VECTOR_SECRET,
    VECTOR_SIGNATURE,
)

PAGE = (Path(__file__).parents[3] / "docs" / "api" / "webhooks.md").read_text()
HEADERS = {
    "webhook-id": VECTOR_ID,
    "webhook-timestamp": str(VECTOR_AT),
    "webhook-signature": f"v1,AAAA {VECTOR_SIGNATURE}",
}
TRIALS = [
    (HEADERS, VECTOR_BODY.decode(), VECTOR_AT + 5, True),
    (HEADERS, '{"test": 2432232315}', VECTOR_AT + 5, False),
    ({**HEADERS, "webhook-signature": "v1,AAAA"}, VECTOR_BODY.decode(), 1614265331, False),
    (HEADERS, VECTOR_BODY.decode(), VECTOR_AT + 301, False),
]
VERDICTS = [fits for *_, fits in TRIALS]


def recipe(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def ran(*command: str) -> list[bool]:
    answered = subprocess.run(command, capture_output=True, timeout=20, check=True)
    verdicts: list[bool] = json.loads(answered.stdout)
    return verdicts


def test_python():
    names: dict[str, object] = {}
    exec(recipe("python"), names)  # noqa: S102 - the page's own code is what is tested
    genuine = names["genuine"]
    assert callable(genuine)
    found = [
        genuine(VECTOR_SECRET, headers, body.encode(), lambda now=now: now)
        for headers, body, now, _ in TRIALS
    ]
    assert found == VERDICTS


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node on this machine")
def test_node():
    asked = json.dumps([VECTOR_SECRET, TRIALS])
    script = recipe("js") + (
        f"\nconst [secret, trials] = {asked};"
        "\nconsole.log(JSON.stringify(trials.map(([h, b, n]) => genuine(secret, h, b, n))));"
    )
    assert ran("node", "-e", script) == VERDICTS


@pytest.mark.skipif(shutil.which("php") is None, reason="no PHP on this machine")
def test_php():
    as_given = [({name.title(): each for name, each in h.items()}, *more) for h, *more in TRIALS]
    asked = json.dumps(json.dumps([VECTOR_SECRET, as_given]))
    script = recipe("php") + (
        f"\n[$secret, $trials] = json_decode({asked}, true);"
        "\necho json_encode(array_map(fn($t) => genuine($secret, $t[0], $t[1], $t[2]), $trials));"
    )
    assert ran("php", "-r", script) == VERDICTS


def test_every_kind_of_event_is_on_the_page():
    told = set(re.findall(r"^\| `([a-z_.]+)` \| (?!`)", PAGE, re.MULTILINE))
    assert {kind.value for kind in News} <= told
