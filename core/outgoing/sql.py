"""The statements of this room."""

from pathlib import Path

from core.queries import load

SQL = load(Path(__file__).with_name("outgoing.sql"))
