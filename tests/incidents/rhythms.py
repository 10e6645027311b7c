"""When databases are written to: the rhythms of a week, for many sources at once."""

from __future__ import annotations

import numpy as np

from incidents.physics import Numbers

#: In the order of their codes.
RHYTHMS = ("steady", "office", "strict-office", "weekdays", "nightly", "hourly", "weekly", "trickle", "idle")
DAY = 86_400.0
#: 1970-01-01 was a Thursday.
_THURSDAY = 3


def share(rhythm: Numbers, at: float, shift: Numbers) -> Numbers:
    """What share of its usual rate each source is written at. `shift`: seconds its clock differs by."""
    local = at + shift
    hour = local % DAY / 3600
    weekday = np.floor(local / DAY + _THURSDAY) % 7
    minute = local % 3600 / 60
    works = (weekday < 5) & (hour >= 8) & (hour < 18)
    wave = 0.7 + 0.3 * np.sin(2 * np.pi * (hour - 8) / 24)
    shares = (
        wave,
        np.where(works, 1.0, 0.03),
        np.where(works, 1.0, 0.0),
        np.where(weekday < 5, wave, 0.0),
        np.where((hour >= 2) & (hour < 2.7), 10.0, 0.0),
        np.where(minute < 8, 3.0, 0.0),
        np.where((weekday == 6) & (hour >= 3) & (hour < 5), 10.0, 0.0),
        np.full(len(rhythm), 1.0),
        np.zeros(len(rhythm)),
    )
    return np.choose(rhythm.astype(int), shares)
