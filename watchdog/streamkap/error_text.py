"""What a failed task or snapshot says of its failure: one line, without secrets and without contents of rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

#: Characters that are kept.
LIMIT = 300
#: Where the API may say it, the most telling first.
_KEYS = ("trace", "error", "message", "error_message", "errorMessage")
#: A quoted word behind one of these names something; any other may be somebody's data.
_NAMES = (
    "relation|table|column|schema|database|topic|slot|publication|constraint|index|type|function|role|user|field|"
    "connector|task|class|file|host|server|collection|keyspace|cluster"
)
_QUOTED = re.compile(
    rf"(?P<named>\b(?:{_NAMES})s?:?\s+)?(?P<quote>[\"'`])(?P<text>(?:(?!(?P=quote)).)*)(?P=quote)", re.IGNORECASE
)
_IDENTIFIER = re.compile(r"[\w.$-]{1,100}")
_SECRET = re.compile(
    r"(?i)\b([\w.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|credential|authorization)[\w.-]*)(\s*[=:]\s*|\s+)((?:bearer|basic)\s+)?\S+"
)
_USERINFO = re.compile(r"(?i)\b([a-z][\w+.-]*://)[^\s/@]+@")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
#: Key (id)=(17), Struct{id=17}, {"id": 17}, [17, 18]
_VALUES = re.compile(r"=\s*\([^()]*\)|\w*\{.*\}|\[[^\[\]]*\]", re.DOTALL)
_LONG_NUMBER = re.compile(r"\b\d{6,}\b")


def error_of(status: object) -> str:
    """The failure that a status tells; "" where it tells none. `status` is a task's or a snapshot's object."""
    if not isinstance(status, Mapping):
        return ""
    for key in _KEYS:
        found = status.get(key)
        if isinstance(found, Mapping):
            found = error_of(found)
        if isinstance(found, str) and found.strip():
            return scrubbed(found)
    return ""


def snapshot_error_of(item: Mapping[str, Any]) -> str:
    """The first failure that a source's snapshot tells, wherever the listing has it."""
    for key in ("snapshot_status", "snapshotStatus", "snapshot_progress", "snapshot_details", "snapshot"):
        found = item.get(key)
        rows: Iterable[object] = found if isinstance(found, list) else (found,)
        for row in rows:
            if error := error_of(row):
                return error
    return ""


def scrubbed(text: str) -> str:
    """The first line, with what may be a secret or somebody's data replaced by `…`, at most LIMIT characters."""
    line = next((one.strip() for one in text[: 20 * LIMIT].splitlines() if one.strip()), "")
    line = "".join(character if character.isprintable() else " " for character in line)
    line = _USERINFO.sub(r"\1…@", line)
    line = _SECRET.sub(r"\1\2…", line)
    line = _VALUES.sub("…", line)
    line = _QUOTED.sub(_unquoted, line)
    line = _EMAIL.sub("…", line)
    line = _LONG_NUMBER.sub("…", line)
    return line if len(line) <= LIMIT else line[: LIMIT - 1].rstrip() + "…"


def _unquoted(found: re.Match[str]) -> str:
    if found["named"] and _IDENTIFIER.fullmatch(found["text"]):
        return found[0]
    return f"{found['named'] or ''}{found['quote']}…{found['quote']}"
