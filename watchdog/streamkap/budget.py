"""Time budgets of requests and polls, and several requests in parallel within one."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from watchdog.errors import ApiError

T = TypeVar("T")
R = TypeVar("R")
#: How much longer than the budget to wait: requests end themselves, only a name lookup that hangs does not.
_GRACE = 0.5


class DeadlineError(ApiError):
    """The time for this request, or for the whole poll, is over; trying again at once cannot help."""


def together(function: Callable[[T], R], items: Sequence[T], *, threads: int, budget: Budget) -> list[R | ApiError]:
    """`function` of every item, in order; an ApiError takes the place of its result.

    The threads are daemons, so one that hangs in the resolver can hold neither the poll nor the end of the process.
    Anything but an ApiError is raised here, after the others have ended.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    results: list[tuple[R] | BaseException] = [DeadlineError("no answer in time")] * len(items)
    done = threading.Semaphore(0)
    for index in range(len(items)):
        waiting.put(index)

    def work() -> None:
        while True:
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                results[index] = (function(items[index]),)
            except BaseException as error:
                results[index] = error
            done.release()

    for _ in range(min(threads, len(items))):
        threading.Thread(target=work, name="streamkap", daemon=True).start()
    for _ in items:
        if not done.acquire(timeout=budget.left + _GRACE):
            break
    found: list[R | ApiError] = []
    for result in list(results):
        if isinstance(result, tuple):
            found.append(result[0])
        elif isinstance(result, ApiError):
            found.append(result)
        else:
            raise result
    return found


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
