"""The statements of this corner, loaded once."""

from pathlib import Path

from core.queries import load

SQL = load(Path(__file__).with_name("guard.sql"))
