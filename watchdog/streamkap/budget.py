"""Budgets: until when a request, a step or a whole poll may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Until when something may take, on a monotonic clock."""

    ends: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Budget:
        return cls(clock() + seconds, clock)

    @property
    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.ends - self.clock())

    def at_most(self, seconds: float) -> Budget:
        """The part of this budget that one step may use."""
        return Budget(min(self.ends, self.clock() + seconds), self.clock)
