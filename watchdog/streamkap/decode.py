"""Answers to columns: decoded dictionaries are kept as they are, and a column is made when a rule names its metric."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from watchdog.readings.fleet import EntityKey, Fleet, Kind
from watchdog.readings.freshness import fresh, fresh_value
from watchdog.readings.snapshot import Column, Flags, Floats, Reading, Snapshot
from watchdog.streamkap.leaf import Leaf, instant, is_numeric, leaf
from watchdog.streamkap.shapes import DESCRIPTIVE, Metrics, is_sensitive

_EMPTY: Metrics = {}
_NONE = type(None)
_NUMBERS = {int, float, bool}
_SCALARS = {int, float, bool, str, _NONE}
_ENTRY = {"timestamp", "value"}


@dataclass(frozen=True, slots=True)
class Layer:
    """Metrics of entities of one kind, by id, from one part of the API.

    Scalars are of the instant `at` (None: of the poll). A listing describes; it does not prove that an entity is being
    measured, hence `listed`.
    """

    metrics: Mapping[str, Metrics]
    at: float | None = None
    listed: bool = False


class Layers:
    """All readings of one poll.

    Where two layers have a fresh reading of the same metric the newer one counts, of equally new ones the earlier
    layer's; a listing only fills gaps.
    """

    def __init__(self, at: float, layers: Mapping[Kind, Sequence[Layer]]) -> None:
        self.at = at
        self._layers = {kind: [layer for layer in found if layer.metrics] for kind, found in layers.items()}

    def snapshot(self, fleet: Fleet, unobserved: Mapping[Kind, Flags]) -> Snapshot:
        view = _View(self, fleet)
        return Snapshot(
            self.at, fleet, build=view.build, describe=self.describe, names=self.names, unobserved=unobserved
        )

    def of(self, kind: Kind) -> Sequence[Layer]:
        return self._layers.get(kind, ())

    def describe(self, key: EntityKey) -> list[Reading]:
        """All readings of one entity."""
        found: dict[str, Reading] = {}
        for layer in self.of(key.kind):
            otherwise = self.at if layer.at is None else layer.at
            for name, raw in layer.metrics.get(key.id, _EMPTY).items():
                one = leaf(name, raw) if _is_metric(name) else None
                if one is None:
                    continue
                at = min(self.at, otherwise if one.at is None else one.at)
                value = fresh_value(one.value, name, at, self.at)
                before = found.get(name)
                better = before is None or before.value is None or (at > before.at and not layer.listed)
                if before is None or (better and value is not None):
                    found[name] = Reading(name, value, at)
        return list(found.values())

    def names(self, kind: Kind) -> Iterable[str]:
        """Metrics that some entity of this kind has a reading of."""
        seen: set[str] = set()
        for layer in self.of(kind):
            for name in set().union(*layer.metrics.values()) - seen:
                if _is_metric(name) and any(
                    (one := leaf(name, metrics[name])) is not None and one.value is not None
                    for metrics in layer.metrics.values()
                    if metrics.get(name) is not None
                ):
                    seen.add(name)
        return seen

    def has_reading(self, kind: Kind, entity: str, *, listed: bool = True) -> bool:
        """Whether there is any reading of an entity; with `listed=False` those of a listing do not count."""
        return any(
            newest_of(layer.metrics.get(entity, _EMPTY), self.at, self.at) is not None
            for layer in self.of(kind)
            if listed or not layer.listed
        )

    def has(self, kind: Kind, entity: str, metric: str) -> bool:
        """Whether there is a fresh reading of this metric."""
        for layer in self.of(kind):
            raw = layer.metrics.get(entity, _EMPTY).get(metric)
            if raw is None:
                continue
            if type(raw) is str and raw and not is_numeric(metric) and layer.at is None:
                return True
            one = leaf(metric, raw) or Leaf(None)
            if fresh_value(one.value, metric, self.at if one.at is None else one.at, self.at) is not None:
                return True
        return False


def newest_of(metrics: Metrics, otherwise: float, at: float) -> float | None:
    """The instant of the newest reading among these; None where there is none."""
    newest: float | None = None
    newest_stamp = None
    for name, raw in metrics.items():
        if raw is None or name in DESCRIPTIVE:
            continue
        if type(raw) is int and otherwise >= at:
            return at  # by far the most
        stamp = raw[0].get("timestamp") if type(raw) is list and len(raw) == 1 and type(raw[0]) is dict else None
        if stamp is not None and stamp == newest_stamp:
            continue  # measured together with the newest so far
        one = leaf(name, raw)
        if one is None or one.value is None:
            continue
        read_at = otherwise if one.at is None else min(one.at, at)
        if read_at >= at:
            return at
        if newest is None or read_at > newest:
            newest, newest_stamp = read_at, stamp
    return newest


class _View:
    """The layers in the rows of one fleet."""

    def __init__(self, layers: Layers, fleet: Fleet) -> None:
        self._layers = layers
        self._fleet = fleet
        self._rows: dict[Kind, list[tuple[Layer, list[Metrics]]]] = {}

    def build(self, kind: Kind, metric: str) -> Column:
        at = self._layers.at
        column: Column | None = None
        for layer, rows in self._in_rows(kind):
            try:
                values = list(map(itemgetter(metric), rows))
            except KeyError:
                values = [metrics.get(metric) for metrics in rows]
            part = column_of(metric, values, at if layer.at is None else layer.at, at)
            if part is not None:
                part = fresh(part, metric, at)
                column = part if column is None else _merged(column, part, at, only_gaps=layer.listed)
        return column or Column(np.full(len(self._fleet.table(kind)), np.nan))

    def _in_rows(self, kind: Kind) -> list[tuple[Layer, list[Metrics]]]:
        found = self._rows.get(kind)
        if found is None:
            ids = self._fleet.table(kind).ids
            found = []
            for layer in self._layers.of(kind):
                rows = list(map(layer.metrics.get, ids))
                found.append((layer, [metrics or _EMPTY for metrics in rows]))
            self._rows[kind] = found
        return found


def newest_readings(layers: Layers, fleet: Fleet, kind: Kind) -> Floats:
    """Per row the instant of the newest reading, NaN where there is none.

    That a listing tells a state does not prove that a source, destination or pipeline is being measured, so there it
    does not count; tasks may have nothing else.
    """
    at = layers.at
    newest = np.full(len(fleet.table(kind)), np.nan)
    for layer in layers.of(kind):
        if layer.listed and kind in (Kind.SOURCE, Kind.DESTINATION, Kind.PIPELINE):
            continue
        otherwise = at if layer.at is None else layer.at
        found = [newest_of(layer.metrics.get(id, _EMPTY), otherwise, at) for id in fleet.table(kind).ids]
        newest = np.fmax(newest, np.array(found, dtype=np.float64))
    return newest


def column_of(metric: str, values: list[Any], otherwise: float, at: float) -> Column | None:
    """Raw values, row by row, as a column; None where there is nothing at all.

    Scalars are of the instant `otherwise`, unless that is the poll's `at`. Plain numbers, by far the most, take no step
    per value in Python.
    """
    times = None if otherwise >= at else np.full(len(values), otherwise)
    if is_numeric(metric):
        try:
            return Column(_finite(np.fromiter(values, np.float64, len(values))), None, times)
        except (TypeError, ValueError, OverflowError):
            pass  # a null, a text that is no number, a series, more digits than fit
    types = set(map(type, values))
    types.discard(_NONE)
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
        texts = np.array([shared[value] for value in values], dtype=object)
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
    nothing = Leaf(None)
    for row, raw in enumerate(values):
        if raw is None:
            continue
        value, read_at = leaf(metric, raw) or nothing
        if read_at is not None:
            times[row] = min(read_at, at)
        if isinstance(value, str):
            texts[row] = value
        elif value is not None:
            numbers[row] = value
    has_text = any(text is not None for text in texts)
    return Column(numbers, texts if has_text else None, times if (times != at).any() else None)


def _merged(first: Column, second: Column, at: float, *, only_gaps: bool) -> Column:
    """Row by row the newer reading, of equally new ones the first's; nothing never hides a reading."""
    size = len(first.numbers)
    has = [column.present for column in (first, second)]
    when = [np.full(size, at) if column.times is None else column.times for column in (first, second)]
    take = has[1] & ~has[0] if only_gaps else has[1] & (~has[0] | (when[1] > when[0]))
    numbers = np.where(take, second.numbers, first.numbers)
    times = None if first.times is None and second.times is None else np.where(take, when[1], when[0])
    if first.texts is None and second.texts is None:
        return Column(numbers, None, times)
    none = np.full(size, None, dtype=object)
    texts = np.where(take, none if second.texts is None else second.texts, none if first.texts is None else first.texts)
    return Column(numbers, texts, times)


def _is_metric(name: str) -> bool:
    return name not in DESCRIPTIVE and not is_sensitive(name)
