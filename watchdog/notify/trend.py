"""The trend of an alert's value: whether it gets better by itself, in one sentence."""

from __future__ import annotations

import numpy as np

from watchdog.notify.chart import in_unit
from watchdog.readings.chart_history import Line
from watchdog.readings.snapshot import Flags
from watchdog.units import format_duration

#: The readings of the last half hour; fewer than these, or over less than half of it, make no line.
SPAN = 1800.0
_FEWEST = 5
#: The share of the readings' variance that a line has to explain.
_FIT = 0.85
#: Readings that stay within this share of their level, or of the limit, are steady. So a limit is never so far that
#: it takes days to get there.
_STEADY = 0.05


def sentence(line: Line, now: float, limit: float, unit: str) -> str:
    """`rising 3m per hour`, `falling 12m per hour, at the limit in 20m`, `steady`; "" where the readings do not follow
    a line. `limit` is in the line's own unit."""
    recent = (line.times > now - SPAN) & (line.times <= now) & ~np.isnan(line.values)
    if recent.sum() < _FEWEST or np.ptp(line.times[recent]) < SPAN / 2:
        return ""
    return _words(line, recent, limit, unit)


def _words(line: Line, recent: Flags, limit: float, unit: str) -> str:
    times, values = line.times[recent], line.values[recent]
    level = max(float(np.abs(values).max()), abs(limit))
    if np.ptp(values) <= _STEADY * level:
        return "steady"
    ages = times - times[-1]
    slope, now_at = np.polyfit(ages, values, 1)
    if not slope:  # values so small that the fit rounds to a level line
        return ""
    missed = float(((values - (slope * ages + now_at)) ** 2).sum())
    if missed > (1.0 - _FIT) * float(((values - values.mean()) ** 2).sum()):
        return ""
    words = f"{'rising' if slope > 0 else 'falling'} {in_unit(abs(float(slope)) * 3600.0, unit)} per hour"
    left = (limit - float(values[-1])) / float(slope)
    return f"{words}, at the limit in {format_duration(_round(left))}" if left > 0 else words


def _round(seconds: float) -> float:
    """A forecast is never exact to the second."""
    step = 60.0 if seconds < 7200.0 else 600.0
    return max(step, round(seconds / step) * step)
