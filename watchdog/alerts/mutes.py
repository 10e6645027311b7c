"""Schedules in local wall-clock time, and mutes: quiet times that keep to one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from watchdog.rules.selector import Selector

#: Days that are looked through for the next beginning or end.
_AHEAD = 9
_EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Dates:
    """The days from `first` to `last`, both included. `yearly`: their years do not count, and the range may pass the
    turn of the year."""

    first: date
    last: date
    yearly: bool = False

    def __contains__(self, day: date) -> bool:
        if not self.yearly:
            return self.first <= day <= self.last
        first, last, this = ((one.month, one.day) for one in (self.first, self.last, day))
        return first <= this <= last if first <= last else this >= first or this <= last

    def __str__(self) -> str:
        form = "%m-%d" if self.yearly else "%Y-%m-%d"
        first, last = self.first.strftime(form), self.last.strftime(form)
        return first if first == last else f"{first}..{last}"


@dataclass(frozen=True, slots=True)
class QuietTime:
    """`[start, end)` in minutes of the local day, on `days` (0 = Monday) or on `dates`. An end at or before the start
    is the next day's; the whole stretch belongs to the day it begins on. `end` may be 1440 (24:00)."""

    start: int
    end: int
    days: frozenset[int] = _EVERY_DAY
    dates: Dates | None = None

    def covers(self, local: datetime) -> bool:
        minute, today = local.hour * 60 + local.minute, local.date()
        if self.start < self.end:
            return self._begins_on(today) and self.start <= minute < self.end
        evening = minute >= self.start and self._begins_on(today)
        morning = minute < self.end and self._begins_on(today - timedelta(days=1))
        return evening or morning

    def _begins_on(self, day: date) -> bool:
        return day.weekday() in self.days and (self.dates is None or day in self.dates)


#: When a page wakes somebody, and when it costs somebody a day off; local times.
NIGHT = QuietTime(22 * 60, 7 * 60)
WEEKEND = QuietTime(0, 1440, frozenset({5, 6}))


@dataclass(frozen=True, slots=True)
class Schedule:
    """Times in one zone's wall clock: an hour that daylight saving skips never comes, one that it repeats comes twice.
    Without any it is on always. A calendar has `events` instead: stretches `[start, end)`, as far as they are known."""

    times: tuple[QuietTime, ...] = ()
    timezone: str = "UTC"
    events: tuple[tuple[float, float], ...] | None = None

    def active(self, now: float) -> bool:
        if self.events is not None:
            return any(start <= now < end for start, end in self.events)
        if not self.times:
            return True
        local = datetime.fromtimestamp(now, ZoneInfo(self.timezone))
        return any(time.covers(local) for time in self.times)

    def next_edge(self, now: float) -> float | None:
        """The next instant at which it begins or ends, in the days ahead that are looked through; None for none."""
        before = self.active(now)
        return next((edge for edge in sorted(self._edges(now)) if edge > now and self.active(edge) != before), None)

    def _edges(self, now: float) -> set[float]:
        """Instants at which a wall clock shows a beginning or an end, and zone changes."""
        if self.events is not None:
            return {edge for event in self.events for edge in event}
        zone = ZoneInfo(self.timezone)
        today = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
        found: set[float] = set()
        for ahead in range(-1, _AHEAD):
            day = today + timedelta(days=ahead)
            for quiet in self.times:
                for minute in (quiet.start, quiet.end):
                    wall = day.replace(tzinfo=None) + timedelta(minutes=minute)
                    # both readings of a repeated hour; a skipped one maps to the instant of the jump or later
                    found.update(wall.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
            start, end = day.timestamp(), (day + timedelta(days=1)).timestamp()
            if round(end - start) != 86400:  # the zone changes its offset on this day: look at every full hour
                found.update(start + 3600 * hour for hour in range(26))
                found.update(start + 1800 * half for half in range(52))
        return found


@dataclass(frozen=True, slots=True)
class Mute:
    """Alerts that `where` selects are not notified of during `times`, or during the events of a calendar: `calendar` is
    its path or https URL, `events` what is known of it."""

    name: str
    where: Selector
    times: tuple[QuietTime, ...] = ()
    timezone: str = "UTC"
    calendar: str = ""
    events: tuple[tuple[float, float], ...] = ()
    schedule: Schedule = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        events = self.events if self.calendar else None
        object.__setattr__(self, "schedule", Schedule(self.times, self.timezone, events))

    def active(self, now: float) -> bool:
        return self.schedule.active(now)


def next_boundary(schedules: Iterable[Schedule], now: float) -> float | None:
    """The next instant at which one of these begins or ends, or at which to look again; None where there are none."""
    edges = [schedule.next_edge(now) for schedule in schedules
             if schedule.times or schedule.events is not None]  # fmt: skip
    if not edges:
        return None
    again = now + (_AHEAD - 2) * 86400  # a date may be further ahead
    return min(again if edge is None else edge for edge in edges)
