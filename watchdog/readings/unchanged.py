"""How long every value has been the same, and the longest pause that ended on each UTC day."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from watchdog.readings.fleet import Rows
from watchdog.readings.packing import moved
from watchdog.readings.snapshot import Flags, Floats

DAY = 86_400.0
#: `longest_pause` is unknown until a metric has been followed for so many seconds.
_FOLLOWED = DAY
#: Instants are floats of seconds since 1970, exact to a quarter of a microsecond.
_EPSILON = 1e-6


@dataclass(slots=True)
class Unchanged:
    """Since when every entity has the value it has; `present`: there was a reading at the last poll."""

    values: Floats
    since: Floats
    present: Flags

    @classmethod
    def empty(cls, count: int) -> Unchanged:
        return cls(np.full(count, np.nan), np.full(count, np.nan), np.zeros(count, dtype=np.bool_))

    def update(self, values: Floats, when: Floats | float, fresh: Flags, present: Flags) -> Flags:
        """Take in one poll; returns where the value is another than before."""
        changed: Flags = fresh & (values != self.values)
        if changed.any():
            self.values = np.where(changed, values, self.values)
            self.since = np.where(changed, when, self.since)
        self.present = present
        return changed

    def moved(self, old: Rows, new: Rows, count: int) -> Unchanged:
        return Unchanged(
            moved(self.values, old, new, count, np.nan),
            moved(self.since, old, new, count, np.nan),
            moved(self.present, old, new, count, False),
        )


@dataclass(slots=True)
class Pauses:
    """The longest pause of one metric that ended on each UTC day, for every entity.

    A pause lasts from the reading that first showed a value to the reading that first showed another. `followed`: when
    the first reading was. `evaluated`: the last poll that was answered for the entity. `whole`: no two evaluated polls
    of the running pause were too far apart. `days`: the longest pause by day (days since 1970), NaN where none ended.
    """

    followed: Floats
    evaluated: Floats
    whole: Flags
    days: dict[int, Floats] = field(default_factory=dict)
    changed_days: set[int] = field(default_factory=set)  #: what the last poll changed

    @classmethod
    def empty(cls, count: int) -> Pauses:
        return cls(np.full(count, np.nan), np.full(count, np.nan), np.ones(count, dtype=np.bool_))

    def poll(self, at: float, observed: Flags, apart: float) -> None:
        """A poll was evaluated for these entities. One more than `apart` seconds after the last spoils the pause."""
        self.changed_days = set()
        late = observed & (at - self.evaluated > apart + _EPSILON)
        if late.any():
            self.whole = self.whole & ~late
        self.evaluated = np.where(observed, at, self.evaluated)

    def end(self, changed: Flags, fresh: Flags, when: Floats | float, since: Floats) -> None:
        """Where a value changed, the pause that began at `since` ended with the reading of `when`."""
        unknown = fresh & np.isnan(self.followed)
        if unknown.any():
            self.followed = np.where(unknown, when, self.followed)
        if not changed.any():
            return
        ended = changed & self.whole & ~np.isnan(since)
        days = np.broadcast_to(np.floor_divide(when, DAY), since.shape)
        for day in np.unique(days[ended]):
            lengths = np.where(ended & (days == day), when - since, np.nan)
            before = self.days.get(int(day))
            self.days[int(day)] = lengths if before is None else np.fmax(before, lengths)
            self.changed_days.add(int(day))
        self.whole = self.whole | changed

    def longest(self, days: int, at: float) -> Floats:
        """The longest pause that ended today or on one of the `days` before; NaN is unknown."""
        today = int(at // DAY)
        found = np.full(len(self.followed), np.nan)
        for day, lengths in self.days.items():
            if today - days <= day <= today:
                found = np.fmax(found, lengths)
        known = at - self.followed >= _FOLLOWED - _EPSILON  # NaN is not
        return np.where(known, found, np.nan)

    def trim(self, before: int) -> None:
        """Drop the days before this one."""
        for day in [day for day in self.days if day < before]:
            del self.days[day]

    def moved(self, old: Rows, new: Rows, count: int) -> Pauses:
        return Pauses(
            moved(self.followed, old, new, count, np.nan),
            moved(self.evaluated, old, new, count, np.nan),
            moved(self.whole, old, new, count, True),
            {day: moved(lengths, old, new, count, np.nan) for day, lengths in self.days.items()},
            set(self.changed_days),
        )
