"""Trouble that lasts: two lines, however often it is met."""

from structlog.testing import capture_logs

from core.faults import Unavailable
from core.spells import Spell


def test_it_is_told_when_it_begins_and_when_it_is_over():
    with capture_logs() as said:
        away = Spell("jobs.database_unavailable", "jobs.database_back", band="urgent")
        away.over()
        for _ in range(2):
            for _ in range(3):
                away.met(Unavailable())
            away.over()
            away.over()
    assert [(line["event"], line["log_level"]) for line in said] == [
        ("jobs.database_unavailable", "warning"),
        ("jobs.database_back", "info"),
    ] * 2
    assert {line["band"] for line in said} == {"urgent"}
    assert said[0]["error"] == "Unavailable"
    assert said[1]["lasted_s"] >= 0
