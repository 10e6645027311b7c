"""One value of an answer to one reading: a number, a text, or nothing, with the API's timestamp if it gave one.

A value is a scalar, a numeric text, a `{timestamp, value}`, or a list of those, of which the newest counts. Whatever
else it is becomes nothing: a reading is never invented.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from watchdog.readings.catalogue import CATALOGUE

#: Names under which an entry tells its instant.
TIME_FIELDS = ("timestamp", "time", "ts", "datetime")
_NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
_FIRST, _LAST = 946_684_800.0, 4_102_444_800.0  # 2000 to 2100: what else a number says is no instant
#: Metrics that are known to be numbers, whose texts are read as numbers.
_NUMERIC = frozenset(name for name, metric in CATALOGUE.items() if not metric.text)


class ApiValue(NamedTuple):
    """A value; `at` is None where the API gave no timestamp. `value` None: the API answered with nothing."""

    value: float | str | None
    at: float | None = None


_NOTHING = ApiValue(None)


def is_numeric(metric: str) -> bool:
    """Whether the catalogue knows this metric as a number."""
    return metric in _NUMERIC


def read_value(metric: str, raw: Any) -> ApiValue | None:
    """The reading in `raw`; None where it is in no form that a reading has."""
    if isinstance(raw, Mapping):
        return _timed(metric, raw)
    if isinstance(raw, list):
        return _newest(metric, raw)
    return ApiValue(scalar(metric, raw))


def scalar(metric: str, raw: Any) -> float | str | None:
    """A JSON scalar as a reading's value; what no 64-bit float can hold is none."""
    if isinstance(raw, str):
        if metric in _NUMERIC:
            return number(raw)
        return raw.strip() or None
    if isinstance(raw, bool | int | float):
        try:
            value = float(raw)
        except OverflowError:
            return None
        return value if math.isfinite(value) else None
    return None


def number(text: str) -> float | None:
    """The number a text holds, or None: `840`, `8.4e2`, but neither `true` nor `nan`."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def series(metric: str, raw: Any) -> list[ApiValue]:
    """Every entry of a timeseries that has a timestamp and a value, oldest first; of equal timestamps the last."""
    entries = raw if isinstance(raw, list) else [raw]
    found: dict[float, ApiValue] = {}
    for entry in entries:
        one = _timed(metric, entry) if isinstance(entry, Mapping) else None
        if one is not None and one.at is not None and one.value is not None:
            found[one.at] = one
    return [found[at] for at in sorted(found)]


def instant(raw: Any) -> float | None:
    """Seconds since the epoch of `2031-01-01 09:00:00` (UTC), ISO 8601, or a number of seconds or milliseconds."""
    if isinstance(raw, str):
        return _instant_of_text(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    for scale in (1.0, 1e3, 1e6, 1e9):
        if _FIRST * scale <= raw <= _LAST * scale:
            return raw / scale
    return None


@lru_cache(maxsize=65536)
def _instant_of_text(text: str) -> float | None:
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return instant(float(text))
    try:
        then = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return None
    at = (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()
    return at if _FIRST <= at <= _LAST else None


def time_of(entry: Mapping[str, Any]) -> tuple[bool, float | None]:
    """Whether an entry can be placed in time, and its instant (None: it does not say, so it is of the poll)."""
    for name in TIME_FIELDS:
        raw = entry.get(name)
        if raw is not None:
            at = instant(raw)
            return at is not None, at
    return True, None


def _timed(metric: str, entry: Mapping[str, Any]) -> ApiValue | None:
    if "value" not in entry:
        return None
    raw = entry["value"]
    if isinstance(raw, dict | list):
        return None
    placed, at = time_of(entry)
    if not placed:
        return None  # of an instant we cannot read: it may be ages old
    return ApiValue(scalar(metric, raw), at)


def _newest(metric: str, entries: list[Any]) -> ApiValue | None:
    """Of timed entries the newest, and of equally new ones the last; untimed ones only if they all agree."""
    newest: ApiValue | None = None
    untimed: list[ApiValue] = []
    for entry in entries:
        if isinstance(entry, list):
            continue
        one = _timed(metric, entry) if isinstance(entry, Mapping) else ApiValue(scalar(metric, entry))
        if one is None:
            continue
        if one.at is None:
            untimed.append(one)
        elif newest is None or newest.at is None or one.at >= newest.at:
            newest = one
    if newest is not None:
        return newest
    if untimed and all(one.value == untimed[0].value for one in untimed):
        return untimed[0]
    return _NOTHING if not entries else None
