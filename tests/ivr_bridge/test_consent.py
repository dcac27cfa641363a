"""What is on record about a caller's word: the IVR's, or what the line declares."""

from ivr_bridge.line import Consent
from tests.ivr_bridge.conftest import House


async def test_a_line_may_insist_on_observed_consent(house: House):
    await house.change_line(consent=Consent("dtmf", "wa-1", require_explicit=True))
    assert (await house.ivr.deflect()).reason == "no_consent"
    told = await house.ivr.deflect("call-2", consent={"given": True, "prompt_version": "wa-ru-7"})
    assert told.action == "hangup"
    stored = await house.rows("SELECT consent FROM ivr_bridge.deflection ORDER BY created_at")
    assert stored[1]["consent"]["source"] == "ivr"
    assert stored[1]["consent"]["prompt_version"] == "wa-ru-7"


async def test_without_a_word_the_lines_own_prompt_is_recorded_as_declared(house: House):
    await house.ivr.deflect()
    await house.ivr.deflect("call-2", consent={"given": "", "method": "voice"})
    stored = await house.rows("SELECT consent FROM ivr_bridge.deflection")
    declared = {"source": "declared_by_line", "method": "dtmf", "prompt_version": "wa-1"}
    assert [row["consent"] for row in stored] == [declared, declared]


async def test_a_prompt_that_the_ivr_named_and_cannot_be_read_is_not_the_lines(house: House):
    await house.ivr.deflect(consent={"given": True, "prompt_version": ["wa-ru-7"]})
    assert await house.value("SELECT consent FROM ivr_bridge.deflection") == {
        "source": "ivr", "given": True, "method": "dtmf",
    }  # fmt: skip
