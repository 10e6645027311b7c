"""What windows need: the past readings of the metrics they name, in columns, and since when each is unchanged.

Each poll adds one row per metric: 8 bytes a reading, and the readings' own times only where they differ from the
poll's. Rows are kept for as long as the longest window may look back.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from watchdog.readings.fleet import Fleet, Kind
from watchdog.readings.long_memory import PERIOD, LongMemory, Row
from watchdog.readings.packing import Form, KeepFrom, RowIds, RowIdSets, Saved, moved, pack, positions, unpack
from watchdog.readings.snapshot import Column, Floats, Snapshot
from watchdog.readings.unchanged import DAY, Pauses, Unchanged
from watchdog.readings.vocabulary import Vocabulary, is_text

logger = logging.getLogger(__name__)

_MANY_TEXTS = 4096
#: A pause in which two evaluated polls were more than so many polls apart is not counted.
PAUSE_POLLS = 3


class Wanted(NamedTuple):
    """How much of a metric's past is needed.

    `seconds`: how far back every reading is, `kept`: how far back one reading in ten minutes is, `unchanged`: whether
    since when the value is the same, `days`: how many days back the longest pauses are.
    """

    seconds: float = 0.0
    unchanged: bool = False
    kept: float = 0.0
    days: int = 0

    def __or__(self, other: object) -> Wanted:
        if not isinstance(other, Wanted):
            return NotImplemented
        return Wanted(
            max(self.seconds, other.seconds),
            self.unchanged or other.unchanged,
            max(self.kept, other.kept),
            max(self.days, other.days),
        )

    @property
    def reach(self) -> float:
        """How many seconds pass before anything is known."""
        return max(self.seconds, self.kept, DAY if self.days else 0.0)

    @property
    def values(self) -> bool:
        """Whether the value each entity has now is needed."""
        return self.unchanged or self.days > 0


#: What rules need to be remembered, by kind and metric.
Windows = Mapping[tuple[Kind, str], Wanted]


class Series:
    """One metric of one kind of entities over time."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = ids
        self.rows: deque[Row] = deque()
        self.vocabulary = Vocabulary()
        self.has_texts = False
        self.newest = np.full(len(ids), -np.inf)  #: when each entity's newest known reading was
        self.unchanged: Unchanged | None = None
        self.pauses: Pauses | None = None
        self.kept: LongMemory | None = None

    def want(self, wanted: Wanted) -> None:
        """Begin to remember what is wanted now, and forget what no longer is."""
        if not wanted.seconds:
            self.rows.clear()
        count = len(self.ids)
        self.unchanged = (self.unchanged or Unchanged.empty(count)) if wanted.values else None
        self.pauses = (self.pauses or Pauses.empty(count)) if wanted.days else None
        self.kept = (self.kept or LongMemory(count)) if wanted.kept else None

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
        if self.pauses is not None:
            self.pauses = self.pauses.moved(old, new, len(ids))
        if self.kept is not None:
            self.kept.align(old, new, len(ids))
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
            since = self.unchanged.since
            changed = self.unchanged.update(values, when, fresh, known & (when >= self.newest))
            if self.pauses is not None:
                self.pauses.end(changed, fresh, when, since)
        if not fresh.any():
            return None
        complete = bool(fresh.all())
        if not complete:
            values[~fresh] = np.nan
        self.newest = np.where(fresh, when, self.newest)
        if times is not None and not (times[fresh] != at).any():
            times = None
        row = Row(at, values, times, complete)
        if self.kept is not None:
            self.kept.record(values, at if times is None else times, fresh)
        if keep:
            self.rows.append(row)
        if len(self.vocabulary.shown) > _MANY_TEXTS:
            self._forget_texts()
        return row

    def trim(self, wanted: Wanted, at: float) -> None:
        """Drop what no window reaches any more."""
        oldest = _oldest(wanted, at)
        while self.rows and self.rows[0].at < oldest[Form.POLL]:
            self.rows.popleft()
        if self.kept is not None:
            self.kept.trim(oldest[Form.PERIOD])
        if self.pauses is not None:
            self.pauses.trim(int(oldest[Form.DAY] // DAY))

    # -- what the store keeps

    def pieces(
        self, row: Row | None, wanted: Wanted, at: float
    ) -> Iterator[tuple[Form, int, float, tuple[Floats, ...]]]:
        """What the poll of `at` added: form, number, instant and arrays of each piece. `row` is from `record`."""
        if row is not None and wanted.seconds:
            yield Form.POLL, 0, row.at, (row.values,) if row.times is None else (row.values, row.times)
        if self.unchanged is not None and self.pauses is not None:
            pauses = self.pauses
            own = (pauses.followed, pauses.evaluated, pauses.whole.astype(np.float64))
            yield Form.STATE, 0, at, (self.unchanged.values, self.unchanged.since, self.newest, *own)
            for day in sorted(pauses.changed_days):
                yield Form.DAY, day, at, (pauses.days[day],)
        elif self.unchanged is not None and row is not None:
            yield Form.STATE, 0, at, (self.unchanged.values, self.unchanged.since, self.newest)
        if row is not None and self.kept is not None:
            for period in sorted(self.kept.changed):
                kept = self.kept.row(period)
                if kept is not None:
                    yield Form.PERIOD, period, kept.at, (kept.values, *(() if kept.times is None else (kept.times,)))

    def restore(self, piece: Saved, arrays: list[Floats], wanted: Wanted) -> None:
        """Take back one piece, for what is wanted now; its rows are those of the series."""
        row = Row(piece.at, arrays[0], arrays[1] if len(arrays) > 1 else None, not bool(np.isnan(arrays[0]).any()))
        match piece.form:
            case Form.STATE if len(arrays) in (3, 6):
                self._restore_state(arrays)
            case Form.POLL if wanted.seconds:
                self.rows.append(row)
                self._note(row)
            case Form.PERIOD if self.kept is not None:
                self.kept.restore(row)
                self._note(row)
            case Form.DAY if self.pauses is not None:
                self.pauses.days[piece.number] = arrays[0]

    def _restore_state(self, arrays: list[Floats]) -> None:
        values, since, newest, *pauses = arrays
        if self.unchanged is None:
            return
        self.unchanged = Unchanged(values, since, np.zeros(len(values), dtype=np.bool_))
        self.newest = np.maximum(self.newest, newest)
        if self.pauses is not None and pauses:
            followed, evaluated, whole = pauses
            self.pauses = Pauses(followed, evaluated, whole > 0, self.pauses.days)

    def _note(self, row: Row) -> None:
        known = ~np.isnan(row.values)
        times = row.at if row.times is None else row.times
        self.newest = np.where(known, np.maximum(self.newest, times), self.newest)

    def _forget_texts(self) -> None:
        """Texts that never come back (error messages) must not pile up: keep those still in use."""
        fresh = Vocabulary()
        vocabulary, self.vocabulary = self.vocabulary, fresh

        def rewrite(values: Floats) -> None:
            texts = vocabulary.texts(values)
            values[:] = fresh.encoded(Column(np.where(is_text(values), np.nan, values), texts))

        for values in [row.values for row in self.rows] + ([self.unchanged.values] if self.unchanged else []):
            rewrite(values)
        if self.kept is not None:
            self.kept.rewrite(rewrite)


class History:
    """The past of everything that some rule's window names.

    Say what is wanted, restore what was saved, then record every snapshot; windows read the series. What the last
    `record` added is in `saved`, to be kept by the store in small pieces.
    """

    def __init__(self, poll_every: float = 30.0) -> None:
        self._apart = PAUSE_POLLS * poll_every
        self._wanted: dict[tuple[Kind, str], Wanted] = {}
        self._series: dict[tuple[Kind, str], Series] = {}
        self._fleet: Fleet | None = None
        self._rosters = RowIdSets()
        self._last: list[tuple[tuple[Kind, str], Row | None]] = []
        self._at = 0.0

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
            series.want(want)
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
        self._last, self._at = [], snapshot.at
        for (kind, metric), want in self._wanted.items():
            series = self._series[kind, metric]
            if series.pauses is not None:
                series.pauses.poll(snapshot.at, ~snapshot.unobserved(kind), self._apart)
            row = series.record(snapshot.column(kind, metric), snapshot.at, keep=want.seconds > 0)
            series.trim(want, snapshot.at)
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

    def longest_pause(self, kind: Kind, metric: str, days: int, at: float) -> Floats:
        """Per row: the longest pause, in seconds, that ended today or on one of the `days` before; NaN is unknown."""
        if kind is Kind.CONNECTOR:
            real = (Kind.SOURCE, Kind.DESTINATION)
            return np.concatenate([self.longest_pause(one, metric, days, at) for one in real])
        series = self.series(kind, metric)
        return np.full(len(series.ids), np.nan) if series.pauses is None else series.pauses.longest(days, at)

    # -- what the store keeps

    def saved(self) -> list[Saved]:
        """What the last poll added; a piece replaces the one before of the same form and number."""
        found = []
        for (kind, metric), row in self._last:
            series, roster, wanted = self._series[kind, metric], self._roster(kind).id, self._wanted[kind, metric]
            for form, number, at, arrays in series.pieces(row, wanted, self._at):
                found.append(Saved(kind, metric, at, roster, pack(arrays, series.vocabulary), form, number))
        return found

    def rosters(self) -> list[RowIds]:
        """Whose readings the saved arrays hold, in order; needed once for every new id."""
        return [self._roster(kind) for kind in sorted({kind for (kind, _), _ in self._last})]

    def keep_from(self, at: float) -> KeepFrom:
        """Saved pieces before these instants, and everything not named here, is not needed any more."""
        return {
            (form, *key): oldest for key, want in self._wanted.items() for form, oldest in _oldest(want, at).items()
        }

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
        series.align(ids)
        series.restore(piece, arrays, self._wanted[piece.kind, piece.metric])

    def _roster(self, kind: Kind) -> RowIds:
        return self._rosters.of(kind, self._fleet.table(kind).ids if self._fleet else [])


def _oldest(wanted: Wanted, at: float) -> dict[Form, float]:
    """Since when what is wanted is needed, by form; a form that is not wanted is left out."""
    found: dict[Form, float] = {}
    if wanted.seconds:
        found[Form.POLL] = at - wanted.seconds - 1e-3  # instants are floats
    if wanted.values:
        found[Form.STATE] = -np.inf
    if wanted.kept:
        found[Form.PERIOD] = at - wanted.kept - PERIOD
    if wanted.days:
        found[Form.DAY] = (at // DAY - wanted.days) * DAY
    return found
