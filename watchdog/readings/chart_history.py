"""The last hours of what rules look at, thinned: for pictures, never for judging.

All metrics share one time axis. It starts at the polls' own pace and gets coarser as it grows, until it spans what a
picture shows; then the oldest goes. In memory only: a picture begins anew with the process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from watchdog.readings.fleet import EntityKey, Fleet, Kind
from watchdog.readings.packing import moved, positions
from watchdog.readings.snapshot import Floats, Snapshot

#: A picture spans so many seconds, in so many points at most.
SPAN = 6 * 3600.0
_POINTS = 180
#: Values kept over all metrics and points (4 bytes each); a larger fleet gets fewer points, never fewer than these.
_BUDGET = 4_000_000
_FEWEST = 12
#: Drawn on the status page whether or not a rule names them.
LAGS = (
    (Kind.SOURCE, "StreamingMilliSecondsBehindSource"),
    (Kind.DESTINATION, "recordsLag"),
    (Kind.PIPELINE, "latency"),
)

Values = npt.NDArray[np.float32]
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of one entity over time, the oldest first; a value is NaN where there was no reading."""

    times: Floats
    values: Floats

    def __len__(self) -> int:
        return len(self.times)


class ChartHistory:
    """Numbers only; a text has no place on a scale."""

    def __init__(self, *, span: float = SPAN, points: int = _POINTS, budget: int = _BUDGET) -> None:
        if points < 4:
            raise ValueError(f"Trace.points has to be at least 4, got {points}")
        self._span, self._most, self._budget = span, points, budget
        self._step = 0.0  #: seconds a point stands for; 0 while every poll has its own
        self._times: list[float] = []
        self._rows: dict[tuple[Kind, str], list[Values | None]] = {}
        self._fleet: Fleet | None = None
        self._ids: dict[Kind, list[str]] = {}
        #: What is read, also from other threads: replaced as a whole, never changed.
        self._shown: tuple[list[float], dict[tuple[Kind, str], list[Values | None]], Fleet | None] = ([], {}, None)

    def record(self, snapshot: Snapshot) -> None:
        """Take in one poll: every column somebody asked it for, and the lags; nothing while the clock is set back."""
        self._align(snapshot.fleet)
        if self._times and snapshot.at <= self._times[-1]:
            return
        for kind, metric in LAGS:
            snapshot.column(kind, metric)
        replaces = bool(self._times) and self._step > 0 and self._slot(snapshot.at) == self._slot(self._times[-1])
        if replaces:
            self._times[-1] = snapshot.at
        else:
            self._times.append(snapshot.at)
        seen = {key: column.numbers for key, column in snapshot.built().items() if key[0] is not Kind.CONNECTOR}
        for key in seen.keys() - self._rows.keys():
            self._rows[key] = [None] * (len(self._times) - (0 if replaces else 1))
        for key, rows in self._rows.items():
            new = _small(seen.get(key))
            if not replaces:
                rows.append(new)
            elif rows[-1] is None or new is None:
                rows[-1] = rows[-1] if new is None else new
            else:
                rows[-1] = np.where(np.isnan(new), rows[-1], new)
        self._thin()
        self._shown = list(self._times), {key: list(rows) for key, rows in self._rows.items()}, self._fleet

    def line(self, key: EntityKey, metric: str) -> Line | None:
        """What is known of one metric of one entity; None where there is not a single number."""
        times, lines, fleet = self._shown
        rows = lines.get((key.kind, metric))
        if rows is None or fleet is None:
            return None
        row = fleet.table(key.kind).row.get(key)
        if row is None:
            return None
        values = np.array([np.nan if one is None else one[row] for one in rows], dtype=np.float64)
        return None if np.isnan(values).all() else Line(np.array(times), values)

    # -- inside

    def _slot(self, at: float) -> float:
        return at // self._step

    def _thin(self) -> None:
        """Keep within span and points: twice as coarse until all of the span has room, then without the oldest."""
        width = sum(len(self._ids.get(kind, ())) for kind, _ in self._rows) or 1
        most = min(self._most, max(_FEWEST, self._budget // width))
        while self._times[-1] - self._times[0] > self._span:
            self._keep(range(1, len(self._times)))
        while len(self._times) > most:
            if self._step * most < self._span:
                self._coarser()
            else:
                self._keep(range(1, len(self._times)))

    def _coarser(self) -> None:
        """The last poll of each slot stays, and with it what it did not read but the one before did."""
        scheduler = (self._times[-1] - self._times[0]) / (len(self._times) - 1)
        self._step = max(self._step * 2, scheduler * 2)
        last = {self._slot(at): index for index, at in enumerate(self._times)}
        for rows in self._rows.values():
            for before, after in pairwise(range(len(rows))):
                if self._slot(self._times[before]) == self._slot(self._times[after]):
                    rows[after] = _filled(rows[after], rows[before])
        self._keep(last.values())

    def _keep(self, indexes: Iterable[int]) -> None:
        kept = list(indexes)
        self._times = [self._times[index] for index in kept]
        self._rows = {key: [rows[index] for index in kept] for key, rows in self._rows.items()}
        self._rows = {key: rows for key, rows in self._rows.items() if any(row is not None for row in rows)}

    def _align(self, fleet: Fleet) -> None:
        if fleet is self._fleet:
            return
        for kind in {kind for kind, _ in self._rows}:
            ids, before = fleet.table(kind).ids, self._ids.get(kind, [])
            if ids == before:
                continue
            old, new = positions(before, ids)
            for (one, _), rows in self._rows.items():
                if one is kind:
                    rows[:] = [None if row is None else moved(row, old, new, len(ids), np.nan) for row in rows]
        self._fleet = fleet
        self._ids = {kind: table.ids for kind, table in fleet.tables.items()}


def _small(numbers: Floats | None) -> Values | None:
    """Half the memory; six digits are more than a picture shows."""
    if numbers is None or not len(numbers):
        return None
    # what is too large for it (a vendor's "unlimited") stands at the edge: an infinity has no place on a scale
    return np.clip(numbers, -_LARGEST, _LARGEST).astype(np.float32)


def _filled(new: Values | None, old: Values | None) -> Values | None:
    if new is None or old is None:
        return old if new is None else new
    return np.where(np.isnan(new), old, new)
