"""Several requests at the same time, awaited no longer than they may take."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from watchdog.errors import ApiError
from watchdog.streamkap.budget import Budget
from watchdog.streamkap.wire import DeadlineError

T = TypeVar("T")
R = TypeVar("R")
#: How much longer than the budget to wait: requests end themselves, only a name lookup that hangs does not.
_GRACE = 0.5


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
