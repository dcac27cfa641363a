"""What a demo is made of: its secrets (kept), its ports (found anew), and what it tells others."""

import json
import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LINE = "+78002500000"
WORKSPACE = "demo"
PEOPLE = {
    "operator": "olga@toyshop.example",
    "second_operator": "ivan@toyshop.example",
    "lead": "lead@toyshop.example",
    "manager": "manager@toyshop.example",
    "admin": "admin@toyshop.example",
}
# One number for each way a customer's phone can behave; the sandbox README describes them.
NUMBERS = {
    "reachable": "+79161230001",
    "not_on_whatsapp": "+79161230002",
    "not_on_whatsapp_after_sent": "+79161230003",
    "offline": "+79161230004",
    "late": "+79161230005",
    "duplicates": "+79161230006",
    "reorder": "+79161230007",
    "throttled": "+79161230008",
    "slow": "+79161230009",
    "breaks": "+79161230010",
    "silent": "+79161230011",
    "blocked": "+79161230012",
    "ecosystem": "+79161230013",
}
# Whose call is played at the first start, so that every phone above is still fresh for a newcomer.
PLAYED = ("+79161230099", "Светлана Юдина")
NAMES = {
    "reachable": "Анна Смирнова",
    "not_on_whatsapp": "Пётр Орлов",
    "not_on_whatsapp_after_sent": "Нина Белова",
    "offline": "Борис Ким",
    "late": "Ольга Ли",
    "duplicates": "Тимур Сафин",
    "reorder": "Мария Котова",
    "throttled": "Павел Гусев",
    "slow": "Елена Мороз",
    "breaks": "Артём Зайцев",
    "silent": "Лидия Ван",
    "blocked": "Сергей Дятлов",
    "ecosystem": "Юлия Рыбина",
}


@dataclass(frozen=True, slots=True)
class Secrets:
    """Made once for a data folder and kept there, readable by its owner only."""

    secret_key: str
    line_key: str
    access_token: str
    app_secret: str
    verify_token: str
    password: str


@dataclass(frozen=True, slots=True)
class Ports:
    """Where this run listens; the usual ones when they are free."""

    web: int
    sandbox: int
    web_metrics: int
    work_metrics: int
    fastagi: int


def kept_secrets(data_dir: Path) -> Secrets:
    """The secrets of this data folder, made at the first start."""
    path = data_dir / "secrets.json"
    if path.exists():
        return Secrets(**json.loads(path.read_text(encoding="utf-8")))
    made = Secrets(
        secret_key=secrets.token_urlsafe(48),
        line_key=f"ib_{secrets.token_urlsafe(24)}",
        access_token=secrets.token_urlsafe(32),
        app_secret=secrets.token_hex(16),
        verify_token=secrets.token_urlsafe(16),
        password="toyshop-demo",  # noqa: S106 - printed for everybody; the demo listens on loopback
    )
    # Whole or not at all: a demo that is killed here starts again.
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(made)), encoding="utf-8")
    draft.rename(path)
    return made


def free_ports() -> Ports:
    """The usual ports, or others when they are taken."""
    taken: set[int] = set()
    return Ports(*[_free(usual, taken) for usual in (8080, 8090, 9180, 9181, 4573)])


def _free(usual: int, taken: set[int]) -> int:
    for port in (usual, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            if found not in taken:
                taken.add(found)
                return found
    raise OSError("no free port on 127.0.0.1")


def environment(
    kept: Secrets, ports: Ports, database_url: str, redis_url: str, data_dir: Path
) -> dict[str, str]:
    """What the processes of the demo are told."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LISTEN": f"127.0.0.1:{ports.web}",
        "FASTAGI_LISTEN": f"127.0.0.1:{ports.fastagi}",
        "PUBLIC_URL": f"http://127.0.0.1:{ports.web}",
        "SECRET_KEY": kept.secret_key,
        "IVR_BRIDGE_MEDIA__URL": (data_dir / "media").resolve().as_uri(),
        "DEMO_ACCESS_TOKEN": kept.access_token,
        "DEMO_APP_SECRET": kept.app_secret,
        "DEMO_VERIFY_TOKEN": kept.verify_token,
        "DEMO_SANDBOX_URL": f"http://127.0.0.1:{ports.sandbox}",
        "DEMO_LINE_KEY": kept.line_key,
        "DEMO_PASSWORD": kept.password,
    }


def told(kept: Secrets, ports: Ports) -> dict[str, Any]:
    """What stands in demo.json for programs and people."""
    base = f"http://127.0.0.1:{ports.web}"
    return {
        "base_url": base,
        "desk_url": f"{base}/desk",
        "reports_url": f"{base}/reports",
        "admin_url": f"{base}/admin",
        "sandbox_url": f"http://127.0.0.1:{ports.sandbox}",
        "metrics_url": f"http://127.0.0.1:{ports.web_metrics}/metrics",
        "work_metrics_url": f"http://127.0.0.1:{ports.work_metrics}/metrics",
        "fastagi": f"127.0.0.1:{ports.fastagi}",
        "workspace": WORKSPACE,
        "line": LINE,
        "line_key": kept.line_key,
        "people": [
            {"role": role, "email": email, "password": kept.password}
            for role, email in PEOPLE.items()
        ],
        "numbers": NUMBERS,
    }
