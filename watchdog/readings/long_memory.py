"""Long memory of one metric: the last reading of every ten minutes of UTC, for weeks.

A day of ten-minute rows is one block. The running day is held as plain numbers; a finished day is packed to four bytes
a reading where that loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from watchdog.readings.fleet import Rows
from watchdog.readings.packing import moved
from watchdog.readings.snapshot import Flags, Floats

#: One reading is kept in each period of so many seconds.
PERIOD = 600.0
_PERIODS = 144  #: in a day
_NOTHING = 0xFFFF_FFFF


@dataclass(slots=True)
class Row:
    """Readings of one instant or period: NaN where there was none, texts as numbers (vocabulary.py).

    `times` are their own instants, None where all are `at`. `complete`: there is a reading in every row.
    """

    at: float
    values: Floats
    times: Floats | None
    complete: bool


class LongMemory:
    """The kept readings of every entity. A period is the number of its ten minutes since 1970."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._days: dict[int, _Day | _PackedDay] = {}
        self.changed: set[int] = set()  #: the periods that the last `record` wrote

    def record(self, values: Floats, when: Floats | float, fresh: Flags) -> None:
        """Keep these readings; each replaces the one of its entity in the same ten minutes."""
        self.changed = set()
        if isinstance(when, float):
            self._put(int(when // PERIOD), fresh, values, when)
            return
        periods = np.floor_divide(when, PERIOD)
        for period in np.unique(periods[fresh]):
            self._put(int(period), fresh & (periods == period), values, when)

    def rows(self, start: float, end: float) -> Iterator[Row]:
        """The kept readings of the periods that instants from `start` to `end` lie in, oldest first."""
        for period in range(int(start // PERIOD), int(end // PERIOD) + 1):
            row = self.row(period)
            if row is not None:
                yield row

    def row(self, period: int) -> Row | None:
        """The kept readings of one period; None where there are none."""
        day = self._days.get(period // _PERIODS)
        if day is None or np.isnan(day.at[period % _PERIODS]):
            return None
        index = period % _PERIODS
        values = day.row(index)
        return Row(float(day.at[index]), values, day.times(index), not bool(np.isnan(values).any()))

    def restore(self, row: Row) -> None:
        """Take back a row that `row` gave."""
        known = ~np.isnan(row.values)
        if known.any():
            self._put(int(row.at // PERIOD), known, row.values, row.at if row.times is None else row.times)

    def trim(self, before: float) -> None:
        """Drop the days that ended before this instant."""
        for day in [day for day in self._days if (day + 1) * _PERIODS * PERIOD <= before]:
            del self._days[day]

    def align(self, old: Rows, new: Rows, count: int) -> None:
        """Follow a change of the fleet: entities keep what is known of them."""
        self._count = count
        self._days = {number: _opened(day).moved(old, new, count) for number, day in self._days.items()}
        self._pack(max(self._days, default=0))

    def rewrite(self, change: Callable[[Floats], None]) -> None:
        """Give every row of values to a function that changes it in place."""
        for number in list(self._days):
            for values in self._open(number).values:
                change(values)
        self._pack(max(self._days, default=0))

    @property
    def nbytes(self) -> int:
        """The memory that the readings take."""
        return sum(day.nbytes for day in self._days.values())

    def _put(self, period: int, fresh: Flags, values: Floats, when: Floats | float) -> None:
        number = period // _PERIODS
        if number not in self._days:
            self._pack(number)
        self._open(number).put(period % _PERIODS, fresh, values, when)
        self.changed.add(period)

    def _open(self, number: int) -> _Day:
        day = self._days.get(number)
        made = _Day.empty(self._count) if day is None else _opened(day)
        self._days[number] = made
        return made

    def _pack(self, before: int) -> None:
        """Pack the days before this one."""
        for number, day in self._days.items():
            if number < before and isinstance(day, _Day):
                self._days[number] = _PackedDay.of(day)


@dataclass(slots=True)
class _Day:
    """`at`: the newest instant of each row, NaN where it is empty; `own`: the instants of rows that have several."""

    at: Floats
    values: Floats
    own: dict[int, Floats] = field(default_factory=dict)

    @classmethod
    def empty(cls, count: int) -> _Day:
        return cls(np.full(_PERIODS, np.nan), np.full((_PERIODS, count), np.nan))

    def row(self, index: int) -> Floats:
        found: Floats = self.values[index]
        return found

    def times(self, index: int) -> Floats | None:
        return self.own.get(index)

    def put(self, index: int, fresh: Flags, values: Floats, when: Floats | float) -> None:
        row = self.values[index]
        if fresh.all():
            row[:] = values
            times = None if isinstance(when, float) else when
        else:
            stays = ~fresh & ~np.isnan(row)
            row[fresh] = values[fresh]
            times = None
            if stays.any() or not isinstance(when, float):
                before = self.own.get(index)
                times = np.where(fresh, when, self.at[index] if before is None else before)
        known = times if times is None else times[~np.isnan(row)]
        at = when if isinstance(when, float) else float(when[fresh].max())
        if known is not None and (known != at).any():
            self.own[index] = np.array(times)
            at = float(known.max())
        else:
            self.own.pop(index, None)
        self.at[index] = at

    def moved(self, old: Rows, new: Rows, count: int) -> _Day:
        values = np.full((_PERIODS, count), np.nan)
        values[:, new] = self.values[:, old]
        own = {index: moved(times, old, new, count, self.at[index]) for index, times in self.own.items()}
        return _Day(self.at, values, own)

    @property
    def nbytes(self) -> int:
        return self.at.nbytes + self.values.nbytes + sum(times.nbytes for times in self.own.values())


@dataclass(slots=True)
class _PackedDay:
    """A finished day: whole numbers as distances from each entity's smallest, others as short or full floats.

    `own` names each instant by its index in a short list, as most readings of a row share a few.
    """

    at: Floats
    packed: npt.NDArray[np.uint32] | npt.NDArray[np.float32] | Floats
    smallest: Floats | None
    own: dict[int, tuple[Floats, npt.NDArray[np.unsignedinteger]]]

    @classmethod
    def of(cls, day: _Day) -> _PackedDay:
        packed, smallest = _packed(day.values)
        own = {}
        for index, times in day.own.items():
            instants, which = np.unique(times, return_inverse=True)
            own[index] = (instants, which.astype(np.min_scalar_type(len(instants))))
        return cls(day.at, packed, smallest, own)

    def row(self, index: int) -> Floats:
        return _unpacked(self.packed[index], self.smallest)

    def times(self, index: int) -> Floats | None:
        found = self.own.get(index)
        return None if found is None else found[0][found[1]]

    def opened(self) -> _Day:
        own = {index: instants[which] for index, (instants, which) in self.own.items()}
        return _Day(self.at, np.array(_unpacked(self.packed, self.smallest)), own)

    @property
    def nbytes(self) -> int:
        own = sum(instants.nbytes + which.nbytes for instants, which in self.own.values())
        return self.at.nbytes + self.packed.nbytes + (0 if self.smallest is None else self.smallest.nbytes) + own


def _opened(day: _Day | _PackedDay) -> _Day:
    return day if isinstance(day, _Day) else day.opened()


def _packed(
    values: Floats,
) -> tuple[npt.NDArray[np.uint32] | npt.NDArray[np.float32] | Floats, Floats | None]:
    """The values in four bytes each, with what to add to them, where both ways give exactly these values."""
    nothing = np.isnan(values)
    with np.errstate(all="ignore"):
        smallest = np.fmin.reduce(values, axis=0, initial=np.inf)
        smallest[~np.isfinite(smallest)] = 0.0
        distances = np.where(nothing, 0.0, values - smallest)
        if (distances < _NOTHING).all() and (distances == np.floor(distances)).all():
            whole = distances.astype(np.uint32)
            whole[nothing] = _NOTHING
            if np.array_equal(_unpacked(whole, smallest), values, equal_nan=True):
                return whole, smallest
        short = values.astype(np.float32)
        if np.array_equal(short.astype(np.float64), values, equal_nan=True):
            return short, None
    return values, None


def _unpacked(packed: npt.NDArray[np.uint32] | npt.NDArray[np.float32] | Floats, smallest: Floats | None) -> Floats:
    if smallest is None:
        return packed.astype(np.float64, copy=False)
    return np.where(packed == _NOTHING, np.nan, packed + smallest)
