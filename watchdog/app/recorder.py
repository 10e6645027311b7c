"""The recorder: keeps the polls of the open block and writes them into the database."""

from __future__ import annotations

import logging

from watchdog.errors import StoreError
from watchdog.readings.blocks import KeptPoll, encode, keep, pack_fleet
from watchdog.readings.fleet import Fleet
from watchdog.readings.poll import Poll
from watchdog.readings.snapshot import Snapshot
from watchdog.store import recording
from watchdog.store.store import Store

logger = logging.getLogger(__name__)

#: Seconds between two writes: at most so much is lost when the process is killed.
_WRITE_EVERY = 60.0
#: A block ends after so many seconds of polls, and with the hour, because whole hours are dropped.
_BLOCK = 600.0
_HOUR = 3600.0
#: A block of so many numbers is not joined with later ones: that would cost more time than it saves room.
_LARGE = 100_000
#: A block ends at so many numbers, 8 MiB in memory.
_MOST = 1_000_000


class Recorder:
    """Records judged polls in the database, at most `limit` bytes of them.

    The open block is written in parts, about one a minute; the whole block replaces its parts when it ends, because
    ten minutes in one piece take half the room.
    """

    def __init__(self, store: Store, limit: float) -> None:
        self._store = store
        self._limit = limit
        self._fleet: Fleet | None = None
        self._packed_fleet = b""
        self._open: list[KeptPoll] = []
        self._values = 0
        self._written = 0  # polls of the open block that are in the database
        self._parts: list[int] = []
        self._failed = False
        found = recording.reach(store)
        self._start = None if found is None else found.start

    def seconds(self, now: float) -> float:
        """How far the recording reaches back: the reading `recording_seconds`."""
        first = self._start if self._start is not None else (self._open[0].at if self._open else now)
        return max(0.0, now - first)

    def record(self, poll: Poll, snapshot: Snapshot) -> None:
        """Add a judged poll; a full block, or a part after a minute, is written."""
        if self._open and self._ends_block(poll.at, snapshot.fleet):
            self.end_block()
        if snapshot.fleet is not self._fleet:
            self._fleet, self._packed_fleet = snapshot.fleet, pack_fleet(snapshot.fleet)
        kept = keep(poll, snapshot)
        self._open.append(kept)
        self._values += kept.values
        if poll.at - self._open[self._written].at >= _WRITE_EVERY:
            if self._values >= _LARGE:
                self.end_block()
            else:
                self._write(self._open[self._written :])

    def end_block(self) -> None:
        """Write the open block as a whole. Polls that the database refuses are dropped, so that memory is bounded."""
        if self._open and (self._parts or self._written < len(self._open)):
            self._write(self._open, whole=True)
        self._open, self._values, self._written, self._parts = [], 0, 0, []

    def _write(self, polls: list[KeptPoll], *, whole: bool = False) -> None:
        assert self._fleet is not None
        try:
            data = encode(self._fleet, self._packed_fleet, polls)
            replaced = self._parts if whole else []
            id_ = recording.append(self._store, polls[0].at, polls[-1].at, len(polls), data, limit=self._limit,
                                   replaces=replaced)  # fmt: skip
            found = recording.reach(self._store)
        except StoreError as cause:
            if not self._failed:  # trouble that repeats unchanged is logged once
                logger.warning("polls not recorded", extra={"polls": len(polls), "error": str(cause)})
            self._failed = True
            return
        self._failed = False
        self._start = None if found is None else found.start
        if not whole:
            self._parts.append(id_)
            self._written = len(self._open)

    def _ends_block(self, at: float, fleet: Fleet) -> bool:
        first = self._open[0].at
        return (
            fleet is not self._fleet
            or at - first >= _BLOCK
            or at // _HOUR != first // _HOUR
            or at < first
            or self._values >= _MOST
        )
