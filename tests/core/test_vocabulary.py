"""Numbers as PBXs send them."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from core.vocabulary import PhoneNumber, Plan, is_landline, phone_number, plan_of

MOBILE = "+79161234567"


@pytest.mark.parametrize(
    "sent",
    [
        "+79161234567",
        "79161234567",
        "89161234567",
        "9161234567",
        "8 (916) 123-45-67",
        " 79161234567",
        "00 7 916 123 45 67",
        "0079161234567",
        "sip:+79161234567@pbx.example;user=phone",
        '"Anna" <sip:89161234567@10.0.0.1:5060>',
        "tel:+7-916-123-45-67;ext=12",
        "+7 916 123-45-67 ext. 12",
        "8 916 123-45-67 доб. 12",
        "+7 (916) 123-45-67x12",
        "+79161234567,,12#",
        "+79161234567#12",
        "sip:+79161234567:secret@pbx.example",
        "+7 916 123-45-67 (Anna, 2nd floor)",
    ],
)
def test_a_russian_mobile_is_understood_however_it_is_written(sent):
    assert phone_number(sent, country="RU") == PhoneNumber(MOBILE)


@pytest.mark.parametrize(
    ("sent", "country", "e164"),
    [
        ("020 7946 0958", "GB", "+442079460958"),
        ("011 44 20 7946 0958", "US", "+442079460958"),
        ("11987654321", "BR", "+5511987654321"),
        ("77011234567", "KZ", "+77011234567"),
        ("87011234567", "KZ", "+77011234567"),
        ("+5215512345678", "MX", "+5215512345678"),
    ],
)
def test_the_lines_country_decides_what_a_national_number_means(sent, country, e164):
    assert phone_number(sent, country=country) == PhoneNumber(e164)


@pytest.mark.parametrize(
    "sent",
    ["", "anonymous", "unavailable", "Restricted", "101", "12", "+", "abc", "+7916", "0" * 40],
)
def test_what_is_no_number_is_none(sent):
    assert phone_number(sent, country="RU") is None


def test_a_number_masks_itself_wherever_it_is_printed():
    number = PhoneNumber(MOBILE)
    assert str(number) == repr(number) == "+79…67"
    assert "1234" not in f"{number} {number!r} {[number]}"


@given(st.text(max_size=80), st.sampled_from(["RU", "GB", "US", None]))
def test_no_text_makes_it_fail(text, country):
    found = phone_number(text, country=country)
    assert found is None or found.e164.startswith("+")


@pytest.mark.parametrize(
    ("number", "landline"),
    [
        ("+74951234567", True),
        ("+79161234567", False),
        ("+78002500000", True),
        ("+442071838750", True),
        ("+447400123456", False),
        # The plan of North America does not say.
        ("+12125550123", False),
        # Mobiles that look like landlines to the library: never refused.
        ("+541123456789", False),
        ("+5215512345678", False),
        ("+525512345678", False),
        ("+551187654321", False),
        ("+5511987654321", False),
    ],
)
def test_only_a_certain_landline_is_one(number: str, landline: bool) -> None:
    assert is_landline(PhoneNumber(number)) is landline


def test_every_countrys_numbers_are_read_as_the_numbering_plans_have_them():
    """However it was written, what a number is follows from the number alone."""
    read = 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            e164 = phonenumbers.format_number(example, PhoneNumberFormat.E164)
            national = phonenumbers.format_number(example, PhoneNumberFormat.NATIONAL)
            for sent, country in ((e164, None), (e164, "RU"), (f"00{e164[1:]}", None)):
                assert phone_number(sent, country=country) == PhoneNumber(e164), (sent, country)
            assert phone_number(national, country=region) == PhoneNumber(e164), (national, region)
            assert plan_of(PhoneNumber(e164)) == Plan(
                example.country_code or 0,
                phonenumbers.region_code_for_number(example),
                phonenumbers.number_type(example),
            )
            read += 1
    assert read > 400
