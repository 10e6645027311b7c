"""Signals, heard from the first moment on: without a handler one that comes while the parts load ends the process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType


class Signals:
    """SIGTERM and SIGINT set `stop`, SIGHUP calls `on_hangup`. Made in the main thread, before anything slow."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.on_hangup: Callable[[], None] = lambda: None
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        signal.signal(signal.SIGHUP, self._again)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.stop.set()

    def _again(self, number: int, frame: FrameType | None) -> None:
        self.on_hangup()
