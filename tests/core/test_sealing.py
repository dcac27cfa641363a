"""Secrets at rest, and tokens that browsers carry."""

from datetime import UTC, datetime, timedelta

import pytest

from core.sealing import Sealer, token_hash

NOW = datetime(2026, 1, 10, tzinfo=UTC)
SEALER = Sealer("a secret key of the tests, long enough")


def test_a_token_carries_its_claims_until_its_time_is_over():
    token = SEALER.sign({"media": "m1"}, expires_at=NOW + timedelta(hours=1))
    claims = SEALER.claims(token, now=NOW)
    assert claims is not None
    assert claims["media"] == "m1"
    assert SEALER.claims(token, now=NOW + timedelta(hours=2)) is None


@pytest.mark.parametrize("damage", ["", "x", "é.é", "\udcff", "a.b", ".", "e30.\u00b2"])
def test_what_is_no_token_of_ours_carries_nothing(damage):
    assert SEALER.claims(damage, now=NOW) is None
    token = SEALER.sign({"media": "m1"}, expires_at=NOW + timedelta(hours=1))
    assert SEALER.claims(f"{token}{damage or 'A'}", now=NOW) is None


def test_any_token_can_be_hashed():
    assert token_hash("\udcff") != token_hash("\udcfe")
