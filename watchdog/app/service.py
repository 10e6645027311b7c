"""The service: one cycle in a few named steps, and the loop around it."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from watchdog.app.engine_store import EngineStore
from watchdog.app.heartbeat import Heartbeat
from watchdog.app.polling import Fetcher, PollScheduler, Source
from watchdog.app.recorder import Recorder
from watchdog.app.reloader import Reloader
from watchdog.delivery.sender import Sender
from watchdog.readings.poll import Poll
from watchdog.store.audit import Actor, Via

logger = logging.getLogger(__name__)

#: The longest the loop sleeps: what other processes write (silences) is noticed within this time.
_LOOK_AROUND = 1.0
#: While a poll is under way, timers wait for it so long: an alert it ends is not told as begun in the same instant.
_POLL_GRACE = 2.0
#: Sends under way at a shutdown are awaited so long.
_SEND_GRACE = 3.0
#: After this long without any target accepting anything that waits, the heartbeat says so.
_STUCK_AFTER = 3600.0
#: Seconds between two looks for what is too old to keep.
_TIDY_EVERY = 600.0
#: Seconds between two warnings about values that could not be read.
_DROPPED_EVERY = 3600.0
_REQUEST_ID = re.compile(r" \(request id [^)]*\)")


@dataclass(slots=True)
class Progress:
    """What the probes and `/metrics` tell of the loop. `cycle_at`: when the last cycle was judged and saved."""

    started: float
    cycle_at: float | None = None
    poll_succeeded: bool = False
    polls_missed: int = 0
    cycle_seconds: float = 0.0


class Service:
    """Polls, judges, saves, delivers, until it is told to stop. Its parts are handed in; `clock` gives the time."""

    def __init__(
        self,
        engine_store: EngineStore,
        source: Source,
        reloader: Reloader,
        *,
        every: float,
        timeout: float,
        clock: Callable[[], float],
        heartbeat: Heartbeat | None = None,
        on_poll: Callable[[Poll], None] = lambda poll: None,
        history: float = 30 * 86400.0,
        web_refusals: Callable[[], int] = lambda: 0,
        recorder: Recorder | None = None,
    ) -> None:
        self.engine_store = engine_store
        self.progress = Progress(clock())
        self._reloader = reloader
        self._every = every
        self._timeout = timeout
        self._clock = clock
        self._heartbeat = heartbeat
        self._on_poll = on_poll
        self._history = history
        self._web_refusals = web_refusals
        self._recorder = recorder
        self._tidied_at = clock()
        self._dropped_logged_at = float("-inf")
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._fetcher = Fetcher(source, self._wake.set)
        self._scheduler = PollScheduler(every, self._start_poll, self._miss, clock)
        self.sender = Sender(engine_store)
        self._last_outcome: str | None = None

    # -- from other threads

    def stop(self) -> None:
        """End the loop: no new poll, duties are kept."""
        self._stop.set()
        self._wake.set()

    def reload(self, by: Actor | None = None) -> None:
        """Look at the rule files now; a signal asks without a name."""
        self._reloader.ask(by or Actor(via=Via.SIGNAL))
        self._wake.set()

    def wake(self) -> None:
        """Something changed that the loop should look at."""
        self._wake.set()

    def healthy(self) -> bool:
        """Whether cycles end: the last within three times the longer of poll interval and poll timeout."""
        since = self.progress.cycle_at or self.progress.started
        return self._clock() - since <= 3 * max(self._every, self._timeout)

    # -- the loop

    def run(self) -> None:
        """Until `stop`."""
        while not self._stop.is_set():
            self._scheduler.run_pending()
            poll = self._fetcher.take()
            if poll is not None:
                self._cycle(poll)
            self._reload()
            self.engine_store.read_people()
            if not self._poll_is_fresh():
                self.engine_store.tick()
                self.sender.wake(self.engine_store.waiting_targets())
            self._tidy()
            self._wake.wait(self._pause())
            self._wake.clear()
        if self._recorder is not None:
            self._recorder.end_block()
        self.sender.stop(_SEND_GRACE)
        if self._heartbeat is not None:
            self._heartbeat.stop()

    def _start_poll(self, planned: float) -> None:
        if not self._fetcher.start(planned):
            self._miss(1)

    def _miss(self, polls: int) -> None:
        self.progress.polls_missed += polls

    def _cycle(self, poll: Poll) -> None:
        """Judge a poll, save what it decided, wake the couriers; messages leave there, nowhere else."""
        began = self._clock()
        self._record(poll)
        own = {
            "polls_missed": float(self.progress.polls_missed),
            "cycle_seconds": self.progress.cycle_seconds,
            "rules_invalid": float(self._reloader.invalid),
            "web_refusals": float(self._web_refusals()),
            "recording_seconds": 0.0 if self._recorder is None else self._recorder.seconds(poll.at),
            "values_dropped": float(poll.failures.dropped.count),
        }
        try:
            saved = self.engine_store.judge(poll, own)
        except Exception:
            logger.exception("cycle failed")
            saved = False
        self._keep(poll)
        ended = self._clock()
        self.progress.cycle_seconds = max(0.0, ended - began)
        if saved:
            self.progress.cycle_at = ended
        self.progress.poll_succeeded = self.progress.poll_succeeded or not poll.failures
        self._log_outcome(poll)
        self._log_dropped(poll, ended)
        if self._heartbeat is not None:
            with self.engine_store.reading() as engine:
                stuck = engine.stuck_for(ended) >= _STUCK_AFTER
            self._heartbeat.beat(well=saved and not stuck)

    def _record(self, poll: Poll) -> None:
        try:
            self._on_poll(poll)
        except Exception as cause:  # a full disk must not end the watching
            logger.error("poll not recorded; recording ends here", extra={"error": str(cause)})
            self._on_poll = lambda poll: None

    def _keep(self, poll: Poll) -> None:
        """Add a judged poll to the recording in the database."""
        evaluation = self.engine_store.evaluation
        if self._recorder is None or evaluation is None or evaluation.at != poll.at:
            return
        try:
            self._recorder.record(poll, evaluation.snapshot)
        except Exception:  # a recording must not end the watching
            logger.exception("poll not recorded")

    def _reload(self) -> None:
        policy = self._reloader.look(self._clock())
        if policy is not None:
            self.engine_store.forget_carriers()
            self.engine_store.adopt(policy)

    def _tidy(self) -> None:
        now = self._clock()
        if not 0 <= now - self._tidied_at < _TIDY_EVERY:
            self._tidied_at = now
            self.engine_store.tidy(self._history)

    def _poll_is_fresh(self) -> bool:
        """Whether a poll is under way that deadlines of this instant should wait for."""
        started = self._fetcher.started_at
        return started is not None and self._clock() - started < _POLL_GRACE

    def _pause(self) -> float:
        now = self._clock()
        until = min(self._scheduler.next_at, self.engine_store.next_deadline() or self._scheduler.next_at)
        if self._poll_is_fresh():
            return 0.05  # woken when it ends; this is for deadlines that its grace held up
        return min(_LOOK_AROUND, max(0.01, until - now))

    def _log_dropped(self, poll: Poll, now: float) -> None:
        """Values that could not be read, once an hour at most."""
        dropped = poll.failures.dropped
        if dropped.count and not 0 <= now - self._dropped_logged_at < _DROPPED_EVERY:
            self._dropped_logged_at = now
            logger.warning("values dropped", extra={"count": dropped.count, "sample": dropped.sample})

    def _log_outcome(self, poll: Poll) -> None:
        """Every poll's outcome once; one that repeats unchanged is told at debug only."""
        outcome = "; ".join(sorted({str(error) for error in poll.failures.errors})) or "fine"
        with self.engine_store.reading() as engine:
            entities = len(engine.presence.fleet)
            firing = len(engine.records.open_episodes())
            missing = engine.evaluation.missing() if engine.evaluation is not None else ""
        # each try has an id of its own, the trouble is the same
        same = f"{_REQUEST_ID.sub('', outcome)}; {missing}"
        level = logging.WARNING if poll.failures or missing else logging.INFO
        if same == self._last_outcome:
            level = logging.DEBUG
        self._last_outcome = same
        logger.log(level, "poll judged", extra={"outcome": outcome, "entities": entities, "firing": firing,
                                                "without_readings": missing or "none",
                                                "seconds": round(self.progress.cycle_seconds, 3)})  # fmt: skip
