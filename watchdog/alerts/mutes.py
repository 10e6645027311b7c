"""Mutes: recurring quiet times in local wall-clock time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from watchdog.rules.selector import Selector


@dataclass(frozen=True, slots=True)
class QuietTime:
    """`[start, end)` in minutes of the local day, on `days` (0 = Monday). An end at or before the start is
    the next day's; the whole stretch belongs to the day it begins on. `end` may be 1440 (24:00)."""

    start: int
    end: int
    days: frozenset[int] = frozenset(range(7))

    def covers(self, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        if self.start < self.end:
            return local.weekday() in self.days and self.start <= minute < self.end
        evening = local.weekday() in self.days and minute >= self.start
        morning = (local.weekday() - 1) % 7 in self.days and minute < self.end
        return evening or morning


@dataclass(frozen=True, slots=True)
class Mute:
    """Alerts that `where` selects are not told during `times`, in the time zone's wall clock: an hour that daylight
    saving skips is never muted, one that it repeats is muted twice."""

    name: str
    where: Selector
    times: tuple[QuietTime, ...]
    timezone: str = "UTC"

    def active(self, now: float) -> bool:
        local = datetime.fromtimestamp(now, ZoneInfo(self.timezone))
        return any(time.covers(local) for time in self.times)


def next_boundary(mutes: Sequence[Mute], now: float) -> float | None:
    """The next instant at which some mute begins or ends, looked for minute by minute's edges over eight days."""
    found = [edge for mute in mutes for edge in _edges(mute, now)]
    return min(found, default=None)


def _edges(mute: Mute, now: float) -> list[float]:
    """Instants after `now` at which a wall clock shows a beginning or an end of this mute, and zone changes."""
    zone = ZoneInfo(mute.timezone)
    today = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    found: set[float] = set()
    for ahead in range(-1, 9):
        day = today + timedelta(days=ahead)
        for quiet in mute.times:
            for minute in (quiet.start, quiet.end):
                wall = day.replace(tzinfo=None) + timedelta(minutes=minute)
                # both readings of a repeated hour; a skipped one maps to the instant of the jump or later
                found.update(wall.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
        start, end = day.timestamp(), (day + timedelta(days=1)).timestamp()
        if round(end - start) != 86400:  # the zone changes its offset on this day: look at every full hour
            found.update(start + 3600 * hour for hour in range(26))
            found.update(start + 1800 * half for half in range(52))
    before = mute.active(now)
    for edge in sorted(found):
        if edge > now and mute.active(edge) != before:
            return [edge]
    return []
