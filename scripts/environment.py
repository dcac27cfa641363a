"""Make .venv hold what a lock file names; do nothing when it already does.

    python3 scripts/environment.py demo|dev

Runs on the machine's own Python with nothing installed, so it imports the standard library only.
"""

import hashlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# The wider environment satisfies the narrower one: both locks name the same versions.
SATISFIED_BY = {"demo": ("demo", "dev"), "dev": ("dev",)}
# Somebody's settings may say `--user`, which no virtual environment takes.
QUIET = (
    "--quiet", "--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", "--no-user",
)  # fmt: skip


def main(wanted: str) -> int:
    """Bring the environment up to date, or say what stands in the way."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # not every terminal knows every letter of ours
        sys.stdout.reconfigure(errors="replace")
    if any(_stamp(kind).exists() for kind in SATISFIED_BY[wanted]) and _works():
        return 0
    lock = ROOT / "requirements" / f"{wanted}.lock"
    count = sum(line[:1].isalpha() for line in lock.read_text(encoding="utf-8").splitlines())
    print(f"environment: installing {count} packages into .venv (about a minute) …", flush=True)
    if not _belongs_here():
        shutil.rmtree(VENV, ignore_errors=True)
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
        if made.returncode != 0:
            shutil.rmtree(VENV, ignore_errors=True)
            print("environment: no virtual environment; on Debian: apt-get install python3-venv")
            return made.returncode
        (VENV / "made-for").write_bytes(os.fsencode(_home()))
    for stamp in VENV.glob("installed-*"):
        stamp.unlink()
    for words in (
        ("--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(lock)),
        (
            "--no-deps",
            "--no-build-isolation",
            "--editable",
            ".",
        ),  # a path may hold what pip reads otherwise
    ):
        done = subprocess.run(
            [PYTHON, "-m", "pip", "install", *QUIET, *words], cwd=ROOT, check=False
        )
        if done.returncode != 0:
            print(f"environment: pip failed ({done.returncode}); its reason stands above")
            return done.returncode
    _stamp(wanted).touch()
    return 0


def _stamp(kind: str) -> Path:
    content = b"".join(
        path.read_bytes()
        for path in (ROOT / "requirements" / f"{kind}.lock", ROOT / "pyproject.toml")
    )
    return VENV / f"installed-{kind}-{hashlib.sha256(content).hexdigest()[:16]}"


def _belongs_here() -> bool:
    """Whether .venv was made at this path by this Python: scripts in it name both."""
    note = VENV / "made-for"
    return note.exists() and note.read_bytes() == os.fsencode(_home()) and _works()


def _home() -> str:
    return f"{ROOT}\n{sys.version_info.major}.{sys.version_info.minor}\n"


def _works() -> bool:
    note = VENV / "made-for"
    if not os.access(PYTHON, os.X_OK) or not note.exists():
        return False
    if note.read_bytes().splitlines()[0] != os.fsencode(ROOT):  # moved or copied with its checkout
        return False
    asked = subprocess.run([PYTHON, "-c", "import pip"], check=False, capture_output=True)
    return asked.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
