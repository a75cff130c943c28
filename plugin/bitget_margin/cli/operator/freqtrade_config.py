"""freqtrade's configuration files, read without freqtrade: JSON with comments, several of which are one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from bitget_margin.cli.operator.errors import BadUsage

_MORE: Final = "add_config_files"
_DEEPEST: Final = 5
_STRING: Final = r'(?P<string>"(?:\\.|[^"\\])*")'
_COMMENT: Final = re.compile(_STRING + r"|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA: Final = re.compile(_STRING + r"|,(?=\s*[}\]])")


def read(paths: Iterable[Path], level: int = 0) -> dict[str, Any]:
    """Return the configuration that these files are together: a later one wins, and a file over those that it names.

    :raises BadUsage: a file cannot be read; nothing of its contents is told, there may be keys in it
    """
    if level > _DEEPEST:
        raise BadUsage(f"{_MORE} leads in a circle")
    whole: dict[str, Any] = {}
    for path in paths:
        own = _one(path)
        more = own.get(_MORE) or []
        if not isinstance(more, list) or not all(isinstance(name, str) for name in more):
            raise BadUsage(f"{path}: {_MORE} is not a list of file names")
        below = read([path.resolve().parent / name for name in more], level + 1)
        whole = merge(whole, merge(below, own))
    return whole


def _one(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadUsage(f"{path} cannot be read: {why}") from None
    for ignored in (_COMMENT, _TRAILING_COMMA):
        text = ignored.sub(_blank, text)
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadUsage(f"{path} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    if not isinstance(config, dict):
        raise BadUsage(f"{path} is not a configuration: it holds no object")
    return config


def _blank(match: re.Match[str]) -> str:
    """Keep a string, and put spaces where something else was, so that places in the file stay what they are."""
    return match["string"] or re.sub(r"[^\n]", " ", match[0])


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return both as one; where they differ, what is above wins."""
    whole = dict(below)
    for key, value in above.items():
        under = whole.get(key)
        both = isinstance(value, Mapping) and isinstance(under, Mapping)
        whole[key] = merge(under, value) if both else value  # type: ignore[arg-type]  # both are mappings
    return whole
