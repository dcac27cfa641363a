"""What the pages about platforms show is what the platforms take."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from config.workspaces.parts import LinePart
from ivr_bridge.dialects.views import View
from tests.ivr_bridge.dialects.rules import check_httapi, check_twiml, check_vxml
from tests.ivr_bridge.dialects.specification import check_jambonz

PAGES = Path(__file__).parents[3] / "docs" / "ivr"
LINE: dict[str, Any] = {
    "name": "main", "title": "Main", "numbers": ["+78002500000"], "country": "RU",
    "key": "ib_a-key-that-is-long-enough", "channel": "whatsapp", "opening": {"ru": {"template": "t"}},
    "consent": {"prompt_version": "1"}, "flow": "f", "queue": "q",
}  # fmt: skip


def blocks(page: str, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", (PAGES / page).read_text(), re.MULTILINE | re.DOTALL
    )


@pytest.mark.parametrize(
    ("page", "language", "check", "least"),
    [
        ("twilio.md", "xml", check_twiml, 4),
        ("jambonz.md", "json", check_jambonz, 3),
        ("voicexml.md", "xml", check_vxml, 1),
    ],
)
def test_documents(page: str, language: str, check: Callable[[bytes], None], least: int):
    found = blocks(page, language)
    assert len(found) >= least
    for document in found:
        # Between two elements, space is only how the page is laid out.
        check(re.sub(r">\s+<", "><", document.strip()).encode())


def test_httapi_documents_and_freeswitchs_own_files():
    found = blocks("freeswitch-httapi.md", "xml")
    documents = [text for text in found if text.startswith("<document")]
    assert len(documents) == 2
    for document in documents:
        check_httapi(document.encode())
    for other in set(found) - set(documents):
        ET.fromstring(other)


@pytest.mark.parametrize(
    "page", ["twilio.md", "jambonz.md", "voicexml.md", "freeswitch-httapi.md", "status.md", "authentication.md"]
)  # fmt: skip
def test_what_a_page_says_about_a_line_fits_a_workspace_file(page: str):
    found = blocks(page, "yaml")
    assert found
    for text in found:
        LinePart.model_validate({**LINE, **YAML(typ="safe").load(text)})


def test_the_contract_names_every_view():
    contract = (PAGES / "api.md").read_text()
    for view in View:
        assert f"`{view.value}`" in contract or f"format={view.value}" in contract
