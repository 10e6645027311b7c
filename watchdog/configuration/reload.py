"""Noticing edits: files are compared by content, and an edit counts once it has been unchanged for two seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from watchdog.configuration.rule_folder import snapshot_of

logger = logging.getLogger(__name__)

#: Seconds an edit has to be left alone: editors and `git pull` write in several steps.
SETTLED = 2.0
#: Seconds between looks where the file system tells nothing (network mounts, some containers).
LOOK_EVERY = 5.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of the files: the contents in force, newer ones if there are, since when those stand still."""

    known: str
    seen: str
    since: float

    def look(self, contents: str, now: float) -> tuple[Sight, bool]:
        """Take in what the files hold now; True once an edit has stood still for long enough, once for each."""
        if contents != self.seen:
            return Sight(self.known, contents, now), False
        if contents != self.known and now - self.since >= SETTLED:
            return Sight(contents, contents, self.since), True
        return self, False

    @property
    def waiting(self) -> bool:
        return self.seen != self.known


class Watcher:
    """Watches a folder or file. The file system's own notices are a hint to look sooner, never needed."""

    def __init__(
        self, path: Path, contents: Callable[[Path], str] = snapshot_of, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._contents = contents
        self._clock = clock
        first = contents(path)
        self._sight = Sight(first, first, clock())
        self._looked = clock()
        self._hint = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, notice: Callable[[], None] = lambda: None) -> None:
        """Listen to the file system in a thread; `notice` is called when it tells of a change."""
        self._thread = threading.Thread(target=self._listen, args=(notice,), name="rules", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def settled(self, now: float) -> bool:
        """Whether an edit has been left alone for long enough; True once for each edit. Cheap to call often."""
        at = self._clock()
        if not self._hint.is_set() and not self._sight.waiting and at - self._looked < LOOK_EVERY:
            return False
        self._hint.clear()
        self._looked = at
        self._sight, changed = self._sight.look(self._contents(self._path), at)
        return changed

    def _listen(self, notice: Callable[[], None]) -> None:
        from watchfiles import watch

        # the directory, not the file: a ConfigMap is swapped by renaming a link in it
        folder = self._path if self._path.is_dir() else self._path.parent
        try:
            # it wakes once a step; an edit has to be left alone for seconds anyway
            for _ in watch(folder, stop_event=self._stop, debounce=500, step=500, raise_interrupt=False):
                self._hint.set()
                notice()
        except (OSError, RuntimeError) as cause:
            logger.info("the file system tells no changes; looking every few seconds", extra={"reason": str(cause)})
