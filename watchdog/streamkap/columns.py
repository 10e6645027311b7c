"""Raw values of one metric, row by row, as a column."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import UNSET, UnsetType

from watchdog.readings.snapshot import Column, Floats
from watchdog.streamkap.known_shape import Values
from watchdog.streamkap.value import ApiValue, instant, is_numeric, read_value

_NONE = type(None)
_NUMBERS = {int, float, bool}
_SCALARS = {int, float, bool, str, _NONE}
_ENTRY = {"timestamp", "value"}


def column_of(metric: str, values: Values, otherwise: float, at: float) -> Column | None:
    """Raw values, row by row, as a column; None where there is nothing at all.

    Scalars are of the instant `otherwise`, unless that is the poll's `at`. Plain numbers, by far the most, take no step
    per value in Python.
    """
    times = None if otherwise >= at else np.full(len(values), otherwise)
    if isinstance(values, np.ndarray):
        return Column(values, None, times)
    if is_numeric(metric):
        try:
            return Column(_finite(np.fromiter(values, np.float64, len(values))), None, times)
        except (TypeError, ValueError, OverflowError):
            pass  # a null, a text that is no number, a series, more digits than fit
    types = set(map(type, values))
    if UnsetType in types:
        values = [None if value is UNSET else value for value in values]
    types -= {_NONE, UnsetType}
    if not types:
        return None
    if types <= _NUMBERS:
        try:
            return Column(_finite(np.array(values, dtype=np.float64)), None, times)
        except OverflowError:
            return _column_by_value(metric, values, otherwise, at)
    if types == {str} and not is_numeric(metric):
        # Few distinct ones: rows then share their texts, and later comparisons are few.
        shared = {value: None if value is None else value.strip() or None for value in set(values)}
        texts = np.array(list(map(shared.__getitem__, values)), dtype=object)
        return Column(np.full(len(values), np.nan), texts, times)
    if types == {list}:
        column = _column_of_single_entries(metric, values, otherwise, at)
        if column is not None:
            return column
    return _column_by_value(metric, values, otherwise, at)


def _column_of_single_entries(metric: str, values: list[Any], otherwise: float, at: float) -> Column | None:
    """The column where every series is one `{timestamp, value}` of scalars, as `latest` has it; None where one is not.

    What was measured together carries the same timestamp, so few are to be read.
    """
    if any(series is not None and len(series) != 1 for series in values):
        return None
    entries: list[Any] = [None if series is None else series[0] for series in values]
    if not set(map(type, entries)) <= {dict, _NONE}:
        return None
    if not all(entry is None or entry.keys() == _ENTRY for entry in entries):
        return None
    raw = [None if entry is None else entry["value"] for entry in entries]
    stamps = [None if entry is None else entry["timestamp"] for entry in entries]
    if not set(map(type, raw)) <= _SCALARS or not set(map(type, stamps)) <= {str, _NONE}:
        return None
    instants = {stamp: instant(stamp) for stamp in set(stamps) if stamp is not None}
    if None in instants.values():
        return None
    column = column_of(metric, raw, otherwise, at)
    if column is None:
        return None
    read_at = np.array([otherwise if stamp is None else instants[stamp] for stamp in stamps], dtype=np.float64)
    return Column(column.numbers, column.texts, np.minimum(read_at, at))


def _finite(numbers: Floats) -> Floats:
    numbers[np.isinf(numbers)] = np.nan
    return numbers


def _column_by_value(metric: str, values: list[Any], otherwise: float, at: float) -> Column:
    numbers = np.full(len(values), np.nan)
    texts = np.full(len(values), None, dtype=object)
    times = np.full(len(values), min(otherwise, at))
    nothing = ApiValue(None)
    for row, raw in enumerate(values):
        if raw is None:
            continue
        value, read_at = read_value(metric, raw) or nothing
        if read_at is not None:
            times[row] = min(read_at, at)
        if isinstance(value, str):
            texts[row] = value
        elif value is not None:
            numbers[row] = value
    has_text = any(text is not None for text in texts)
    return Column(numbers, texts if has_text else None, times if (times != at).any() else None)
