"""Advice: what a longer `for` would have spared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchdog.units import format_duration

#: What a longer `for` could be, in seconds.
_LONGER = (60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)


def longer_for(true_for: Sequence[float], for_: float) -> float | None:
    """The shortest `for` beyond the present one that would have spared at least half of the episodes that are over, by
    the seconds for which each was true without a false poll; None where none would, or for less than two episodes."""
    if len(true_for) < 2:
        return None
    enough = (one for one in _LONGER if one > for_ and sum(held < one for held in true_for) * 2 >= len(true_for))
    return next(enough, None)


def words(longer: float, shorter: int, count: int, episodes: str = "episodes") -> str:
    """`17 of 22 episodes were shorter than 10m; `for: 10m` would have left 5`."""
    text = format_duration(longer)
    return f"{shorter} of {count} {episodes} were shorter than {text}; `for: {text}` would have left {count - shorter}"


@dataclass(frozen=True, slots=True)
class Advice:
    """`shorter` of `count` episodes that are over were true for less than `for_seconds`; as a `for` that would have
    spared them and their pages."""

    for_seconds: float
    shorter: int
    count: int
    pages_spared: int
    pages_spared_at_night: int

    def __str__(self) -> str:
        said = words(self.for_seconds, self.shorter, self.count)
        if not self.pages_spared:
            return said
        night = f", {self.pages_spared_at_night} at night" if self.pages_spared_at_night else ""
        return f"{said} and spared {self.pages_spared} page{'' if self.pages_spared == 1 else 's'}{night}"
