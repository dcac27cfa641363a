"""How the sandbox is told which business number, line and phones there are."""

from typing import Any

from config.demo.facts import LINE, NAMES, NUMBERS, PLAYED, WORKSPACE, Ports, Secrets
from config.workspaces.channels import SmsPart, WhatsAppPart
from config.workspaces.model import WorkspaceFile
from config.workspaces.parts import TemplatePart


def sandbox_config(file: WorkspaceFile, kept: Secrets, ports: Ports) -> dict[str, Any]:
    """The demo workspace as the messenger network and the telephone exchange see it."""
    base_url = f"http://127.0.0.1:{ports.web}"
    return {
        "accounts": [_account(file, channel, kept, base_url) for channel in file.channels],
        "lines": [
            {
                "number": LINE,
                "base_url": base_url,
                "key": kept.line_key,
                "brand": file.workspace.title,
                "voice_wait_s": 540,
                "queue_position": 31,
                "ivr_path": ["main", "1"],
                "chat_account": _messenger(file),
            }
        ],
        "numbers": [
            {"number": number, "behaviour": behaviour, "name": NAMES[behaviour]}
            for behaviour, number in NUMBERS.items()
        ]
        + [{"number": PLAYED[0], "behaviour": "reachable", "name": PLAYED[1]}],
        "default": {"behaviour": "reachable"},
    }


def _account(
    file: WorkspaceFile, channel: WhatsAppPart | SmsPart, kept: Secrets, base_url: str
) -> dict[str, Any]:
    common = {
        "name": file.workspace.title,
        "token": kept.access_token,
        "app_secret": kept.app_secret,
        "webhook_url": f"{base_url}/webhooks/{WORKSPACE}/{channel.name}",
    }
    if isinstance(channel, SmsPart):
        sms = {"kind": "sms", "phone_number_id": channel.name, "display_number": channel.sender}
        return {**common, **sms}
    return {
        **common,
        "phone_number_id": channel.phone_number_id,
        "waba_id": channel.waba_id,
        "display_number": channel.number,
        "verify_token": kept.verify_token,
        "templates": _templates(file, channel),
    }


def _messenger(file: WorkspaceFile) -> str:
    """Whose chat opens after a call."""
    return next(part.phone_number_id for part in file.channels if isinstance(part, WhatsAppPart))


def _templates(file: WorkspaceFile, channel: WhatsAppPart) -> list[dict[str, Any]]:
    return [_template(part) for part in file.templates if part.channel == channel.name]


def _template(part: TemplatePart) -> dict[str, Any]:
    components: list[dict[str, Any]] = [{"type": "BODY", "text": part.body}]
    if part.footer:
        components.append({"type": "FOOTER", "text": part.footer})
    if part.buttons:
        buttons = [{"type": "QUICK_REPLY", "text": title} for title in part.buttons]
        components.append({"type": "BUTTONS", "buttons": buttons})
    described: dict[str, Any] = {
        "name": part.name,
        "language": part.language,
        "category": part.category.upper(),
        "components": components,
    }
    if part.ttl_s is not None:
        described["message_send_ttl_seconds"] = part.ttl_s
    return described
