"""A workspace file is understood, or refused with a line that says what to change."""

from pathlib import Path

import pytest

from config.workspaces.channels import SmsPart, WhatsAppPart
from config.workspaces.reading import FileRefused, read

DEMO = Path(__file__).parents[2] / "config" / "workspaces" / "demo.yaml"
ENVIRONMENT = {
    "DEMO_ACCESS_TOKEN": "token",
    "DEMO_APP_SECRET": "secret",
    "DEMO_VERIFY_TOKEN": "verify",
    "DEMO_SANDBOX_URL": "http://127.0.0.1:1",
    "DEMO_LINE_KEY": "a-line-key-of-some-length",
    "DEMO_PASSWORD": "a-long-password",
}


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = DEMO.read_text()
    assert old in text
    path = tmp_path / "workspace.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_the_demo_workspace_is_understood():
    file = read(DEMO, ENVIRONMENT)
    assert [line.name for line in file.lines] == ["main"]
    whatsapp, sms = file.channels
    assert isinstance(whatsapp, WhatsAppPart)
    assert whatsapp.access_token == "token"
    assert isinstance(sms, SmsPart)
    # What a header carries is sealed with the rest of the description.
    assert "token" in sms.draft().secrets["provider"]
    assert "token" not in str(sms.draft().settings)


def test_a_secret_that_is_not_in_the_environment_is_named():
    with pytest.raises(FileRefused, match="set in the environment: DEMO_APP_SECRET"):
        read(DEMO, {k: v for k, v in ENVIRONMENT.items() if k != "DEMO_APP_SECRET"})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("timezone: Europe/Moscow", "timezone: Moscow", "write it as Europe/Moscow"),
        ("  name: demo", "  name: toy_shop", "workspace.name: String should match pattern"),
        ("  - name: sms", "  - name: s_ms", "name: String should match pattern"),
        ("queue: orders", "queue: order", "there is no 'order' in this file"),
        ("flow: toyshop", "flow: toys", "there is no 'toys' in this file"),
        ("country: RU", "country: XX", "is no ISO 3166 country"),
        ('numbers: ["+78002500000"]', 'numbers: ["88"]', "is no telephone number"),
        ("    grace_ms: 800", "    grace: 800", "Extra inputs are not permitted"),
        ("confirm: sent", "confirm: maybe", "confirm: Input should be"),
        (
            "    grace_ms: 800",
            "    policy: {peak: {}}",
            "needs voice_wait_s, queue_position or calls",
        ),
        ("    grace_ms: 800", "    policy: {share: {of: 30}}", "less than or equal to 1"),
        ("    grace_ms: 800", "    policy: {hold_out: {of: 0}}", "greater than 0"),
        (
            "    grace_ms: 800",
            "    policy: {intents: {only: [a], never: [A]}}",
            "stands under both only and never",
        ),
        (
            "    grace_ms: 800",
            "    policy: {consent: {prompt_versions: [wa-2]}}",
            "the line's own prompt 'wa-1' is not among them",
        ),
        (
            "    grace_ms: 800",
            "    policy: {hours: {week: {mon: 09:00-18:00}, holidays: {country: XX}}}",
            "lines.main.policy.hours.holidays: the holidays of XX are not known",
        ),
        (
            "languages: [ru, en]",
            'languages: [ru, en]\ndo_not_contact: ["+7916"]',
            "a beginning is written +7916*",
        ),
        ("email: ivan@", "email: olga@", "stands twice"),
        ('parameters: ["{line_number}"]}', "parameters: []}", "takes 1 parameters, not 0"),
        ("template: call_to_chat,", "template: other,", "no template 'other' in this language"),
        ("languages: [ru, en]", "languages: [ru, en", "workspace.yaml:8:9: expected"),
    ],
)
def test_a_mistake_is_refused_by_its_place(tmp_path, old, new, said):
    with pytest.raises(FileRefused) as refused:
        read(changed(tmp_path, old, new), ENVIRONMENT)
    assert said in str(refused.value)


def test_a_refusal_never_repeats_a_credential(tmp_path):
    path = changed(tmp_path, "verify_token: ${DEMO_VERIFY_TOKEN}", "verify_tokn: hush-hush-secret")
    with pytest.raises(FileRefused) as refused:
        read(path, ENVIRONMENT)
    assert "hush" not in str(refused.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(FileRefused, match="No such file"):
        read(tmp_path / "none.yaml", ENVIRONMENT)


def test_a_delivered_that_may_come_in_an_hour_is_refused(tmp_path):
    with pytest.raises(FileRefused, match="a time to live of 60 s"):
        read(changed(tmp_path, "confirm: sent", "confirm: delivered"), ENVIRONMENT)
    path = changed(tmp_path, "confirm: sent", "confirm: delivered")
    path.write_text(path.read_text().replace("ttl_s: 3600", "ttl_s: 60"))
    assert read(path, ENVIRONMENT).lines[0].confirm == "delivered"


def test_a_rescue_by_sms_needs_an_sms_channel_and_a_link(tmp_path):
    def rescue(words: str, channel: str = "sms") -> str:
        text = f'{{by: sms, channel: {channel}, text: {{ru: "{words}"}}}}'
        return f"confirm: sent\n    rescue: {text}"

    with pytest.raises(FileRefused, match="there is no SMS channel 'whatsapp'"):
        read(changed(tmp_path, "confirm: sent", rescue("{link}", "whatsapp")), ENVIRONMENT)
    with pytest.raises(FileRefused, match="it leads nowhere"):
        read(changed(tmp_path, "confirm: sent", rescue("hello")), ENVIRONMENT)
    file = read(changed(tmp_path, "confirm: sent", rescue("go {link}")), ENVIRONMENT)
    assert file.lines[0].terms.rescue.words("en") == "go {link}"


def test_each_channel_of_a_line_is_one_and_has_its_words(tmp_path):
    def channels(words: str) -> str:
        return f"confirm: sent\n    channels: [{{channel: whatsapp}}, {words}]"

    for words, said in (
        ("{channel: pigeon}", "there is no such channel"),
        ("{channel: sms}", "needs its `text`"),
        ("{channel: whatsapp, text: {ru: hello}}", "only an SMS channel"),
        ("{channel: whatsapp, confirm: delivered}", "a time to live of 60 s"),
    ):
        with pytest.raises(FileRefused, match=said):
            read(changed(tmp_path, "confirm: sent", channels(words)), ENVIRONMENT)
    fine = changed(tmp_path, "confirm: sent", channels("{channel: sms, text: {ru: hello}}"))
    file = read(fine, ENVIRONMENT)
    assert [use.channel for use in file.lines[0].terms.channels] == ["whatsapp", "sms"]
