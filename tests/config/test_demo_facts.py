"""What the demo tells people and programs."""

from dataclasses import asdict
from pathlib import Path

from config.demo.facts import Ports, kept_secrets, told

PORTS = Ports(web=18_080, sandbox=18_090, web_metrics=19_180, work_metrics=19_181, fastagi=14_573)


def test_every_port_and_page_is_told(tmp_path: Path):
    facts = told(kept_secrets(tmp_path), PORTS)
    for name, port in asdict(PORTS).items():
        assert any(f":{port}" in str(value) for value in facts.values()), name
    pages = {facts[f"{page}_url"].rsplit("/", 1)[1] for page in ("desk", "reports", "admin")}
    assert pages == {"desk", "reports", "admin"}
