"""What the web sees of the service: a seam, so that pages can be served and tested without the loop."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from watchdog.alerts.episodes import Episode
from watchdog.alerts.silences import Matcher, Silence
from watchdog.cycle.engine import Engine, Judged
from watchdog.store.store import Store


class Watched(Protocol):
    """The running watchdog, read from the web's threads; what changes something goes through its own methods."""

    @property
    def store(self) -> Store: ...

    @property
    def judged(self) -> Judged | None: ...

    def reading(self) -> AbstractContextManager[Engine]:
        """The engine for a short look that changes nothing; the loop waits meanwhile."""
        ...

    def healthy(self) -> bool: ...

    def ready(self) -> bool: ...

    def reload(self) -> str:
        """Look at the rule files now; what is wrong with them, "" for nothing."""
        ...

    def put_silence(self, silence: Silence) -> Silence: ...

    def new_silence(
        self, matchers: tuple[Matcher, ...], starts: float, ends: float, author: str, comment: str
    ) -> Silence: ...

    def expire_silence(self, silence_id: str) -> Silence | None: ...

    def acknowledge(self, episode_id: str, author: str, comment: str = "") -> Episode | None: ...
