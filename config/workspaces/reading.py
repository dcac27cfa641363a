"""From a YAML file to a checked model, with `${ENV}` filled in and mistakes shown by place."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from config.workspaces.model import WorkspaceFile

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


class FileRefused(Exception):
    """The file does not fit; the text says where and what to change."""


def read(path: Path, environment: Mapping[str, str] | None = None) -> WorkspaceFile:
    """The workspace in this file; FileRefused with one line for each mistake."""
    environment = os.environ if environment is None else environment
    try:
        raw = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as gone:
        raise FileRefused(f"{path}: {gone.strerror}") from gone
    except MarkedYAMLError as broken:
        mark = broken.problem_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise FileRefused(f"{path}{where}: {broken.problem}") from broken
    missing: set[str] = set()
    filled = _fill(raw, environment, missing)
    if missing:
        raise FileRefused(f"{path}: set in the environment: {', '.join(sorted(missing))}")
    try:
        return WorkspaceFile.model_validate(filled)
    except ValidationError as wrong:
        # The input is not repeated: it may be a credential.
        lines = [
            f"{path}: {'.'.join(str(part) for part in error['loc']) or 'file'}: {error['msg']}"
            for error in wrong.errors(include_input=False, include_url=False)
        ]
        raise FileRefused("\n".join(lines)) from wrong


def _fill(value: Any, environment: Mapping[str, str], missing: set[str]) -> Any:
    if isinstance(value, dict):
        return {str(key): _fill(inner, environment, missing) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, environment, missing) for inner in value]
    if not isinstance(value, str):
        return value

    def known(match: re.Match[str]) -> str:
        if match[1] not in environment:
            missing.add(match[1])
        return environment.get(match[1], "")

    return _VARIABLE.sub(known, value)
