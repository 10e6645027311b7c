"""One poll as columns: a reading is one metric of one entity, under the API's own name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from watchdog.readings.fleet import EntityKey, Fleet, Kind

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Column:
    """One metric of all entities of one kind, row by row.

    `numbers` is NaN where there is no number, `texts` (None if no row has one) is None where there is no text;
    `times` are the readings' own instants, or None where all are of the poll itself.
    What is stale, null or the metric's "no reading" value has already become "nothing" here.
    """

    numbers: Floats
    texts: Texts | None = None
    times: Floats | None = None

    @property
    def present(self) -> Flags:
        """Where there is a reading."""
        found: Flags = ~np.isnan(self.numbers)
        if self.texts is not None:
            found |= np.asarray(self.texts != np.array(None), dtype=np.bool_)
        return found


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading as people see it. `value` None: the API answered, but with nothing (null, stale, "no reading")."""

    metric: str
    value: float | str | None
    at: float


class Snapshot:
    """What one poll saw.

    Columns are built when first asked for, and only those: of twenty metrics of ten thousand connectors the rules name
    five. `unobserved` marks rows a failed request would have answered for: nothing may be concluded about them.
    `build(kind, metric)` makes a column of `len(fleet.table(kind))` rows, `describe(key)` all readings of one entity,
    `names(kind)` the metrics seen on a kind; kind is never `connector`, which is joined here.
    """

    def __init__(
        self,
        at: float,
        fleet: Fleet,
        *,
        build: Callable[[Kind, str], Column],
        describe: Callable[[EntityKey], list[Reading]],
        names: Callable[[Kind], Iterable[str]],
        unobserved: Mapping[Kind, Flags] | None = None,
    ) -> None:
        self.at = at
        self.fleet = fleet
        self._build = build
        self._describe = describe
        self._names = names
        self._unobserved = dict(unobserved or {})
        self._columns: dict[tuple[Kind, str], Column] = {}

    def column(self, kind: Kind, metric: str) -> Column:
        """The column of one metric; all NaN where nobody has it."""
        found = self._columns.get((kind, metric))
        if found is None:
            if kind is Kind.CONNECTOR:
                found = _joined(self.column(Kind.SOURCE, metric), self.column(Kind.DESTINATION, metric), self.at)
            else:
                found = self._build(kind, metric)
            self._columns[kind, metric] = found
        return found

    def unobserved(self, kind: Kind) -> Flags:
        """Per row: did a failed request leave it in the dark?"""
        if kind is Kind.CONNECTOR:
            return np.concatenate([self.unobserved(Kind.SOURCE), self.unobserved(Kind.DESTINATION)])
        found = self._unobserved.get(kind)
        if found is None:
            found = self._unobserved[kind] = np.zeros(len(self.fleet.table(kind)), dtype=np.bool_)
        return found

    def built(self) -> dict[tuple[Kind, str], Column]:
        """The columns somebody has asked for so far."""
        return dict(self._columns)

    def names(self, kind: Kind) -> set[str]:
        """Metrics that some entity of this kind has a reading of."""
        if kind is Kind.CONNECTOR:
            return self.names(Kind.SOURCE) | self.names(Kind.DESTINATION)
        return set(self._names(kind))

    def readings(self, key: EntityKey) -> list[Reading]:
        """All readings of one entity, sorted by metric; sensitive ones were dropped when decoded."""
        return sorted(self._describe(key), key=lambda reading: reading.metric)


def _joined(first: Column, second: Column, at: float) -> Column:
    numbers = np.concatenate([first.numbers, second.numbers])
    texts = times = None
    if first.texts is not None or second.texts is not None:
        texts = np.concatenate([_texts(first), _texts(second)])
    if first.times is not None or second.times is not None:
        times = np.concatenate([np.full(len(c.numbers), at) if c.times is None else c.times for c in (first, second)])
    return Column(numbers, texts, times)


def _texts(column: Column) -> Texts:
    return np.full(len(column.numbers), None, dtype=object) if column.texts is None else column.texts


@dataclass(slots=True)
class SparseReadings:
    """Readings held one by one: the watchdog's own, those of rule tests, those of recordings.

    What to do about staleness and "no reading" values is the caller's.
    """

    values: dict[EntityKey, dict[str, Reading]] = field(default_factory=dict)

    def put(self, key: EntityKey, metric: str, value: float | str | None, at: float) -> None:
        self.values.setdefault(key, {})[metric] = Reading(metric, value, at)

    def snapshot(self, at: float, fleet: Fleet, unobserved: Mapping[Kind, Flags] | None = None) -> Snapshot:
        return Snapshot(
            at,
            fleet,
            build=lambda kind, metric: self._column(fleet, kind, metric, at),
            describe=lambda key: list(self.values.get(key, {}).values()),
            names=lambda kind: {m for key, found in self.values.items() if key.kind is kind for m in found},
            unobserved=unobserved,
        )

    def _column(self, fleet: Fleet, kind: Kind, metric: str, at: float) -> Column:
        table = fleet.table(kind)
        numbers = np.full(len(table), np.nan)
        texts = np.full(len(table), None, dtype=object)
        times = np.full(len(table), at)
        for row, entity in enumerate(table.entities):
            reading = self.values.get(entity.key, {}).get(metric)
            if reading is None:
                continue
            times[row] = reading.at
            if isinstance(reading.value, str):
                texts[row] = reading.value
            elif reading.value is not None:
                numbers[row] = reading.value
        has_texts = any(text is not None for text in texts)
        return Column(numbers, texts if has_texts else None, times if (times != at).any() else None)
