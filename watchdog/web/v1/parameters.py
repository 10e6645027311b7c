"""What may be asked of `/api/watchdog/v1`: parameters that describe themselves, and bodies read by their type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from watchdog.readings.fleet import LabelValue
from watchdog.rules.selector import glob
from watchdog.spelling import did_you_mean
from watchdog.web.resource import WrongError

T = TypeVar("T")
#: Items of a page, where nothing is said.
_SOME = 100
_MOST = 1000
_MOST_PARAMETERS = 100
_SHOWN = 100
#: Globs of requests, apart from those of rules: strangers neither fill that memory nor push a rule's glob out of it.
request_glob = lru_cache(maxsize=32)(glob.__wrapped__)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a query or of a path. `schema` describes what `read` takes; `read` raises ValueError with what
    would be accepted; `default` is the value where it is left out."""

    name: str
    meaning: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    default: Any = None


def text(name: str, meaning: str) -> Parameter:
    """Any text but an empty one."""

    def read(value: str) -> str:
        if not 1 <= len(value) <= 500 or "\0" in value:
            raise ValueError("a text of 1 to 500 characters")
        return value

    schema = {"type": "string", "minLength": 1, "maxLength": 500, "pattern": r"^[^\u0000]+$"}
    return Parameter(name, meaning, schema, read)


def choice(name: str, meaning: str, among: Iterable[str]) -> Parameter:
    known = [str(one) for one in among]

    def read(value: str) -> str:
        if value not in known:
            raise ValueError(f"one of {', '.join(known)}{did_you_mean(value, known)}")
        return value

    return Parameter(name, meaning, {"type": "string", "enum": known}, read)


def instant(name: str, meaning: str) -> Parameter:
    """An instant as RFC 3339; seconds of the epoch once read."""

    def read(value: str) -> float:
        try:
            found = datetime.fromisoformat(value.replace(":60", ":59"))  # a leap second is none here
            if found.tzinfo is None:
                raise ValueError
            return found.timestamp()
        except (ValueError, OverflowError):
            raise ValueError("an instant with its offset, e.g. 2026-11-03T02:10:00Z") from None

    return Parameter(name, meaning, {"type": "string", "format": "date-time"}, read)


def flag(name: str, meaning: str) -> Parameter:
    def read(value: str) -> bool:
        if value not in ("true", "false"):
            raise ValueError("true or false")
        return value == "true"

    return Parameter(name, meaning, {"type": "boolean"}, read)


def limit() -> Parameter:
    def read(value: str) -> int:
        if not re.fullmatch("[0-9]{1,4}", value, re.ASCII) or not 1 <= int(value) <= _MOST:
            raise ValueError(f"a number from 1 to {_MOST}")
        return int(value)

    schema = {"type": "integer", "minimum": 1, "maximum": _MOST, "default": _SOME}
    meaning = "How many items at most; a page may hold fewer, only `next: null` is the end."
    return Parameter("limit", meaning, schema, read, _SOME)


def after(pattern: str, read: Callable[[str], Any], default: Any) -> Parameter:
    """Where a page begins; `pattern` is what `next` looks like."""

    def checked(value: str) -> Any:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError("the `next` of the page before")
        return read(value)

    schema = {"type": "string", "pattern": f"^{pattern}$"}
    return Parameter("after", "Where to go on: the `next` of the page before.", schema, checked, default)


def read_query(query: str, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """The value of every parameter. Raises WrongError for unknown, repeated and wrong ones."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError as cause:
        raise WrongError(400, f"the query has more than {_MOST_PARAMETERS} parameters") from cause
    known = {one.name: one for one in parameters}
    found = {one.name: one.default for one in parameters}
    seen: set[str] = set()
    for name, value in pairs:
        if name not in known:
            accepted = ", ".join(known) or "no parameters"
            raise WrongError(400, f"there is no parameter '{cut(name)}'{did_you_mean(name, known)}", found=cut(name),
                             accepted=accepted)  # fmt: skip
        if name in seen:
            raise WrongError(400, f"{name} is given twice", found=cut(value), accepted=f"{name} once")
        seen.add(name)
        found[name] = _read(known[name], value, 400)
    return found


def read_path(given: Mapping[str, str], parameters: Sequence[Parameter]) -> dict[str, Any]:
    """The value of every parameter in a path. Raises WrongError, for there is nothing under another path."""
    return {one.name: _read(one, given[one.name], 404) for one in parameters}


def read_body(body: bytes, kind: type[T]) -> T:
    """Raises WrongError that names the place in the body and what was expected there."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as cause:
        why, _, place = str(cause).partition(" - at `$")
        where = place.rstrip("`").removeprefix(".") or "the body"
        raise WrongError(400, f"{where}: {why}", found=cut(body.decode("utf-8", "replace"))) from cause
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise WrongError(400, f"the body is not JSON: {cause}", found=cut(body.decode("utf-8", "replace"))) from cause


def named(given: Mapping[str, Any], id_: str, name: str, labels: Mapping[str, LabelValue]) -> bool:
    """Whether the parameters `name` and `tag` leave an entity."""
    wanted, tag = given["name"], given["tag"]
    if wanted is not None and wanted != id_ and not request_glob(wanted).match(name):
        return False
    return tag is None or tag in labels.get("tags", ())


def cut(value: str) -> str:
    """Enough of a text to recognise it."""
    return value if len(value) <= _SHOWN else value[:_SHOWN] + "…"


def _read(parameter: Parameter, value: str, status: int) -> Any:
    try:
        return parameter.read(value)
    except ValueError as accepted:
        why = f"{parameter.name}: '{cut(value)}' is not accepted; write {accepted}"
        raise WrongError(status, why, found=cut(value), accepted=str(accepted)) from None
