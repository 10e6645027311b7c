"""Polling on schedule: planned instants that neither drift nor overlap, and one poll at a time in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
import schedule

from watchdog.errors import ApiError
from watchdog.readings.fleet import Fleet, Kind
from watchdog.readings.poll import Failures, Listing, Poll
from watchdog.readings.snapshot import Column, Floats, Snapshot

logger = logging.getLogger(__name__)


class PollScheduler:
    """Calls `job(planned instant)` every `every` seconds, anchored to its plan.

    What `schedule` does not do by itself is done here: a job that raises is logged and stays planned; the next run is
    counted from the planned instant, not from the job's end; instants that passed meanwhile are skipped and told to
    `missed`; and a clock that was set back does not stop the polls.
    """

    def __init__(
        self, every: float, job: Callable[[float], None], missed: Callable[[int], None], clock: Callable[[], float]
    ) -> None:
        self._every = every
        self._job = job
        self._missed = missed
        self._clock = clock
        self._scheduler = schedule.Scheduler()
        self._entry = self._scheduler.every().second.do(self._run)
        self.next_at = clock()  #: the instant the job is planned for next

    def run_pending(self) -> None:
        """Run the job if it is due."""
        now = self._clock()
        if self.next_at - now > self._every:  # the clock was set back
            self.next_at = now
        # schedule compares with naive local time and plans on its own after each job: our plan is put in front of it
        # every time, as a distance from now, so that neither that nor a change of the local offset can move it
        self._entry.next_run = datetime.now() + timedelta(seconds=self.next_at - now)  # noqa: DTZ005
        self._scheduler.run_pending()

    def _run(self) -> None:
        planned = self.next_at
        skipped = int(max(0.0, self._clock() - planned) // self._every)
        if skipped:
            self._missed(skipped)
            planned += skipped * self._every
        self.next_at = planned + self._every
        try:
            self._job(planned)
        except Exception:
            logger.exception("poll could not be started")


class Source(Protocol):
    """Where readings come from."""

    def poll(self, at: float) -> Poll: ...


class Fetcher:
    """Runs one poll at a time in a thread; `done` is called in that thread when `take` has something."""

    def __init__(self, source: Source, done: Callable[[], None]) -> None:
        self._source = source
        self._done = done
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._finished: Poll | None = None
        self.started_at: float | None = None  #: planned instant of the poll under way

    def start(self, at: float) -> bool:
        """Begin a poll; False while another is under way or waits to be taken."""
        with self._lock:
            if self.started_at is not None:
                return False
            self.started_at = at
        self._thread = threading.Thread(target=self._run, args=(at,), name="poll", daemon=True)
        self._thread.start()
        return True

    def take(self) -> Poll | None:
        """The poll that has finished, once."""
        with self._lock:
            found, self._finished = self._finished, None
            if found is not None:
                self.started_at = None
            return found

    def _run(self, at: float) -> None:
        try:
            poll = self._source.poll(at)
        except Exception as cause:  # a surprise in a poll is a failed poll, never the end of the loop
            logger.exception("poll failed unexpectedly")
            poll = Blind(at, ApiError(f"unexpected {type(cause).__name__}: {cause}"))
        with self._lock:
            self._finished = poll
        self._done()


class Blind:
    """A poll that saw nothing: everything is unobserved."""

    listing: Listing | None = None

    def __init__(self, at: float, error: ApiError) -> None:
        self.at = at
        self.failures = Failures((error,))

    def answered(self, fleet: Fleet) -> Mapping[Kind, Floats]:
        return {}

    def snapshot(self, fleet: Fleet) -> Snapshot:
        def nothing(kind: Kind, metric: str) -> Column:
            return Column(np.full(len(fleet.table(kind)), np.nan))

        dark = {kind: np.ones(len(table), dtype=np.bool_) for kind, table in fleet.tables.items()}
        return Snapshot(self.at, fleet, build=nothing, describe=lambda key: [], names=lambda kind: (), unobserved=dark)
