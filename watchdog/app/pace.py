"""The pace of polls: planned instants that neither drift nor overlap, on the library `schedule`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import schedule

logger = logging.getLogger(__name__)


class Pace:
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
