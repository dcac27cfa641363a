"""How documents are written for PostgreSQL: the quick way and the standard library's agree."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.postgres import to_json
from core.vocabulary import ChannelKind, PhoneNumber

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=20,
)


@given(_documents)
def test_what_is_written_is_read_back(document: object) -> None:
    assert json.loads(to_json(document)) == document


def test_words_of_ours_are_written_as_words() -> None:
    assert to_json({ChannelKind.SMS: ChannelKind.WHATSAPP}) == '{"sms":"whatsapp"}'


def test_a_number_beyond_64_bits_is_written() -> None:
    assert to_json([1 << 80]) == "[1208925819614629174706176]"


@pytest.mark.parametrize(
    "personal", [PhoneNumber("+79161234567"), datetime(2026, 1, 1, tzinfo=UTC)]
)
def test_what_is_no_json_is_refused_rather_than_told(personal: object) -> None:
    with pytest.raises(TypeError):
        to_json({"caller": personal})
