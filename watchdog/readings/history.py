"""What windows need: the past readings of the metrics they name, in columns, and since when each is unchanged.

Each poll adds one row per metric: 8 bytes a reading, and the readings' own times only where they differ from the
poll's. Rows are kept for as long as the longest window may look back.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from watchdog.readings.fleet import Fleet, Kind, Rows
from watchdog.readings.packing import RowIds, RowIdSets, Saved, moved, pack, positions, unpack
from watchdog.readings.snapshot import Column, Flags, Floats, Snapshot
from watchdog.readings.vocabulary import Vocabulary, is_text

logger = logging.getLogger(__name__)

_MANY_TEXTS = 4096


class Wanted(NamedTuple):
    """How much of a metric's past is needed: how many seconds back, and whether since when it is unchanged."""

    seconds: float = 0.0
    unchanged: bool = False

    def __or__(self, other: object) -> Wanted:
        if not isinstance(other, Wanted):
            return NotImplemented
        return Wanted(max(self.seconds, other.seconds), self.unchanged or other.unchanged)


#: What rules need to be remembered, by kind and metric.
Windows = Mapping[tuple[Kind, str], Wanted]


@dataclass(slots=True)
class Row:
    """The readings of one poll: NaN where there was none, texts as numbers (texts.py).

    `times` are their own instants, None where all are `at`. `complete`: there is a reading in every row.
    """

    at: float
    values: Floats
    times: Floats | None
    complete: bool


class Series:
    """One metric of one kind of entities over time."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = ids
        self.rows: deque[Row] = deque()
        self.vocabulary = Vocabulary()
        self.has_texts = False
        self.newest = np.full(len(ids), -np.inf)  #: when each entity's newest known reading was
        self.unchanged: Unchanged | None = None

    def align(self, ids: list[str]) -> None:
        """Follow a change of the fleet: entities keep what is known of them."""
        if ids is self.ids or ids == self.ids:
            self.ids = ids
            return
        old, new = positions(self.ids, ids)
        for row in self.rows:
            row.values = moved(row.values, old, new, len(ids), np.nan)
            row.times = None if row.times is None else moved(row.times, old, new, len(ids), row.at)
            row.complete = not bool(np.isnan(row.values).any())
        self.newest = moved(self.newest, old, new, len(ids), -np.inf)
        if self.unchanged is not None:
            self.unchanged = self.unchanged.moved(old, new, len(ids))
        self.ids = ids

    def record(self, column: Column, at: float, *, keep: bool) -> Row | None:
        """Take in one poll. Equal timestamps are one reading, what is older than the newest known is dropped."""
        values = self.vocabulary.encoded(column)
        self.has_texts |= column.texts is not None
        times = None if column.times is None else np.where(np.isnan(column.times), at, np.minimum(column.times, at))
        when = at if times is None else times
        known = ~np.isnan(values)
        fresh = known & (when > self.newest)
        if self.unchanged is not None:
            self.unchanged.update(values, when, fresh, known & (when >= self.newest))
        if not fresh.any():
            return None
        complete = bool(fresh.all())
        if not complete:
            values[~fresh] = np.nan
        self.newest = np.where(fresh, when, self.newest)
        if times is not None and not (times[fresh] != at).any():
            times = None
        row = Row(at, values, times, complete)
        if keep:
            self.rows.append(row)
        if len(self.vocabulary.shown) > _MANY_TEXTS:
            self._forget_texts()
        return row

    def trim(self, before: float) -> None:
        """Drop rows that no window reaches any more."""
        while self.rows and self.rows[0].at < before:
            self.rows.popleft()

    def _forget_texts(self) -> None:
        """Texts that never come back (error messages) must not pile up: keep those still in use."""
        fresh = Vocabulary()
        held = [row.values for row in self.rows] + ([self.unchanged.values] if self.unchanged else [])
        for values in held:
            texts = self.vocabulary.texts(values)
            values[:] = fresh.encoded(Column(np.where(is_text(values), np.nan, values), texts))
        self.vocabulary = fresh


@dataclass(slots=True)
class Unchanged:
    """Since when every entity has the value it has; `present`: there was a reading at the last poll."""

    values: Floats
    since: Floats
    present: Flags

    @classmethod
    def empty(cls, count: int) -> Unchanged:
        return cls(np.full(count, np.nan), np.full(count, np.nan), np.zeros(count, dtype=np.bool_))

    def update(self, values: Floats, when: Floats | float, fresh: Flags, present: Flags) -> None:
        changed = fresh & (values != self.values)
        self.values = np.where(changed, values, self.values)
        self.since = np.where(changed, when, self.since)
        self.present = present

    def moved(self, old: Rows, new: Rows, count: int) -> Unchanged:
        return Unchanged(
            moved(self.values, old, new, count, np.nan),
            moved(self.since, old, new, count, np.nan),
            moved(self.present, old, new, count, False),
        )


class History:
    """The past of everything that some rule's window names.

    Say what is wanted, restore what was saved, then record every snapshot; windows read the series. What the last
    `record` added is in `saved`, to be kept by the store in small pieces.
    """

    def __init__(self) -> None:
        self._wanted: dict[tuple[Kind, str], Wanted] = {}
        self._series: dict[tuple[Kind, str], Series] = {}
        self._fleet: Fleet | None = None
        self._rosters = RowIdSets()
        self._last: list[tuple[tuple[Kind, str], Row | None]] = []

    def want(self, wanted: Windows) -> None:
        """Remember these metrics from now on; what was and is still wanted stays, the rest is forgotten."""
        self._wanted = {}
        for (kind, metric), want in wanted.items():
            for real in (Kind.SOURCE, Kind.DESTINATION) if kind is Kind.CONNECTOR else (kind,):
                self._wanted[real, metric] = self._wanted.get((real, metric), Wanted()) | want
        self._series = {key: series for key, series in self._series.items() if key in self._wanted}
        for (kind, metric), want in self._wanted.items():
            series = self._series.get((kind, metric))
            if series is None:
                series = self._series[kind, metric] = Series(self._fleet.table(kind).ids if self._fleet else [])
            if want.unchanged and series.unchanged is None:
                series.unchanged = Unchanged.empty(len(series.ids))
            elif not want.unchanged:
                series.unchanged = None
            if not want.seconds:
                series.rows.clear()
        self._last = [(key, row) for key, row in self._last if key in self._wanted]

    def align(self, fleet: Fleet) -> None:
        """Follow the fleet; cheap where it is the same."""
        if fleet is self._fleet:
            return
        for (kind, _), series in self._series.items():
            series.align(fleet.table(kind).ids)
        self._fleet = fleet

    def record(self, snapshot: Snapshot) -> None:
        """Add one poll's readings."""
        self.align(snapshot.fleet)
        self._last = []
        for (kind, metric), want in self._wanted.items():
            series = self._series[kind, metric]
            row = series.record(snapshot.column(kind, metric), snapshot.at, keep=want.seconds > 0)
            series.trim(self._oldest(want, snapshot.at))
            self._last.append(((kind, metric), row))

    def series(self, kind: Kind, metric: str) -> Series:
        """The past of one metric; empty where nothing is remembered. Not for the view `connector`."""
        found = self._series.get((kind, metric))
        return found if found is not None else Series(self._fleet.table(kind).ids if self._fleet else [])

    def unchanged_for(self, kind: Kind, metric: str, at: float) -> Floats:
        """Per row: for how many seconds the value has been the same; NaN without a reading at the last poll."""
        if kind is Kind.CONNECTOR:
            return np.concatenate([self.unchanged_for(real, metric, at) for real in (Kind.SOURCE, Kind.DESTINATION)])
        series = self.series(kind, metric)
        if series.unchanged is None:
            return np.full(len(series.ids), np.nan)
        return np.where(series.unchanged.present, at - series.unchanged.since, np.nan)

    # -- what the store keeps

    def saved(self) -> list[Saved]:
        """What the last poll added; a state replaces the one before, rows pile up until `keep_from`."""
        found = []
        for (kind, metric), row in self._last:
            series, roster = self._series[kind, metric], self._roster(kind).id
            if row is not None and self._wanted[kind, metric].seconds:
                arrays = (row.values,) if row.times is None else (row.values, row.times)
                found.append(Saved(kind, metric, row.at, roster, pack(arrays, series.vocabulary)))
            if row is not None and series.unchanged is not None:
                state = (series.unchanged.values, series.unchanged.since, series.newest)
                found.append(Saved(kind, metric, row.at, roster, pack(state, series.vocabulary), state=True))
        return found

    def rosters(self) -> list[RowIds]:
        """Whose readings the saved arrays hold, in order; needed once for every new id."""
        return [self._roster(kind) for kind in sorted({kind for (kind, _), _ in self._last})]

    def keep_from(self, at: float) -> dict[tuple[Kind, str], float]:
        """Saved rows before these instants, and everything of metrics not named here, is not needed any more."""
        return {key: self._oldest(want, at) for key, want in self._wanted.items()}

    def restore(self, rosters: Iterable[RowIds], saved: Iterable[Saved]) -> None:
        """Take back what was saved, for what is wanted now. What cannot be read is left out and logged."""
        ids = {roster.id: list(roster.ids) for roster in rosters}
        for piece in sorted(saved, key=lambda one: one.at):
            series = self._series.get((piece.kind, piece.metric))
            if series is None or piece.roster not in ids:
                continue
            try:
                self._restore_one(series, piece, ids[piece.roster])
            except ValueError as why:
                logger.warning(
                    "saved readings skipped", extra={"metric": piece.metric, "kind": str(piece.kind), "why": str(why)}
                )
        if self._fleet is not None:
            fleet, self._fleet = self._fleet, None
            self.align(fleet)

    def _restore_one(self, series: Series, piece: Saved, ids: list[str]) -> None:
        arrays, texts = unpack(piece.blob, series.vocabulary, len(ids))
        series.has_texts |= texts
        wanted = self._wanted[piece.kind, piece.metric]
        if piece.state:
            if not wanted.unchanged or len(arrays) != 3:
                return
            series.align(ids)
            values, since, newest = arrays
            series.unchanged = Unchanged(values, since, np.zeros(len(ids), dtype=np.bool_))
            series.newest = np.maximum(series.newest, newest)
            return
        if not wanted.seconds:
            return
        series.align(ids)
        values, times = arrays[0], arrays[1] if len(arrays) > 1 else None
        known = ~np.isnan(values)
        series.rows.append(Row(piece.at, values, times, bool(known.all())))
        series.newest = np.where(known, np.maximum(series.newest, piece.at if times is None else times), series.newest)

    def _oldest(self, want: Wanted, at: float) -> float:
        return at - want.seconds - 1e-3  # instants are floats

    def _roster(self, kind: Kind) -> RowIds:
        return self._rosters.of(kind, self._fleet.table(kind).ids if self._fleet else [])
