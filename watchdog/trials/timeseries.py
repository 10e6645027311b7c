"""Courses: what the API remembers of every metric, as the polls that would have seen it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from watchdog.readings.fleet import REAL_KINDS, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import SparseReadings
from watchdog.streamkap.recording import RecordedPoll
from watchdog.streamkap.timeseries import Past


def polls_of(past: Past, since: float, until: float, every: float) -> Iterator[RecordedPoll]:
    """What the API remembers, as the polls that would have seen it: at each the newest value not later than it."""
    listing = Listing(list(past.entities), frozenset(REAL_KINDS) - {Kind.WATCHDOG})
    courses = [
        _Course(key, metric, values, max(every, 2 * _step(values)))
        for key, metrics in past.readings.items()
        for metric, series in metrics.items()
        for values in [[(one.at, one.value) for one in series if one.at is not None]]
    ]
    at, first = since, True
    while at <= until:
        readings = SparseReadings()
        for course in courses:
            found = course.newest(at)
            if found is not None:
                readings.put(course.key, course.metric, found[1], found[0])
        yield RecordedPoll(at, listing if first else None, Failures(), readings)
        first = False
        at += every


@dataclass(slots=True)
class _Course:
    """One metric of one entity over time; a value holds for so many seconds."""

    key: EntityKey
    metric: str
    values: list[tuple[float, float | str | None]]
    holds: float
    passed: int = 0  #: values up to the last instant that was asked about

    def newest(self, at: float) -> tuple[float, float | str | None] | None:
        """The newest value not later than an instant, which is never earlier than the one asked about before."""
        values = self.values
        while self.passed < len(values) and values[self.passed][0] <= at:
            self.passed += 1
        last = values[self.passed - 1] if self.passed else None
        return last if last is not None and at - last[0] < self.holds else None


def _step(values: list[tuple[float, float | str | None]]) -> float:
    """The usual distance between two values of a series."""
    gaps = sorted(later[0] - earlier[0] for earlier, later in pairwise(values))
    return gaps[len(gaps) // 2] if gaps else 60.0
