"""The pace of polls on a hand-moved clock: anchored, never twice, missed ones counted, and unimpressed by clocks set back."""

from __future__ import annotations

import pytest

from watchdog.app.polling import PollScheduler


class Paced:
    """A pace every 10 s whose clock is moved by hand."""

    def __init__(self, job=None) -> None:
        self.now = 1000.0
        self.ran: list[float] = []
        self.missed = 0
        self._job = job
        self.scheduler = PollScheduler(10.0, self._run, self._miss, lambda: self.now)

    def at(self, now: float) -> list[float]:
        """What ran by this instant that had not before."""
        self.now = now
        before = len(self.ran)
        self.scheduler.run_pending()
        return self.ran[before:]

    def _run(self, planned: float) -> None:
        self.ran.append(planned)
        if self._job is not None:
            self._job(self)

    def _miss(self, polls: int) -> None:
        self.missed += polls


def test_planned_instants_do_not_drift() -> None:
    paced = Paced()
    assert paced.at(1000.3) == [1000.0]
    assert paced.at(1009.9) == []
    assert paced.at(1010.4) == [1010.0]
    assert paced.at(1020.01) == [1020.0]


def test_what_was_missed_is_skipped_and_counted() -> None:
    paced = Paced()
    paced.at(1000)
    assert paced.at(1047) == [1040.0]
    assert paced.missed == 3
    assert paced.at(1050) == [1050.0]


def test_a_job_that_raises_stays_planned() -> None:
    def fail(paced: Paced) -> None:
        raise RuntimeError("no")

    paced = Paced(fail)
    assert paced.at(1000) == [1000.0]
    assert paced.at(1005) == []
    assert paced.at(1010) == [1010.0]


@pytest.mark.parametrize("back", [3600.0, 86400.0])
def test_a_clock_that_was_set_back_does_not_stop_the_polls(back: float) -> None:
    paced = Paced()
    paced.at(1000)
    assert paced.at(1001 - back) == [1001 - back]
    assert paced.at(1011 - back) == [1011 - back]
