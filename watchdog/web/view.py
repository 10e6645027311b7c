"""What the web sees of the service: a seam, so that pages can be served and tested without the loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from watchdog.alerts.episodes import Episode, Facts, Note, Withdrawal
from watchdog.alerts.silences import Matcher, Silence
from watchdog.cycle.engine import Engine
from watchdog.cycle.evaluation import Evaluation
from watchdog.cycle.policy import Policy
from watchdog.notify.chart import Picture
from watchdog.notify.rendering import Links
from watchdog.readings.chart_history import Line
from watchdog.readings.fleet import EntityKey
from watchdog.store.audit import Actor
from watchdog.store.store import Store


class ServiceView(Protocol):
    """The running watchdog, read from the web's threads; what changes something goes through its own methods."""

    @property
    def store(self) -> Store: ...

    @property
    def evaluation(self) -> Evaluation | None: ...

    @property
    def policy(self) -> Policy: ...

    @property
    def links(self) -> Links: ...

    @property
    def leader(self) -> str:
        """"" where this replica leads; else how to call the one that does."""
        ...

    @property
    def stands_by(self) -> bool:
        """Whether another replica leads, or should: known without the database."""
        ...

    @property
    def mistakes(self) -> str:
        """What is wrong with the rule files on disk, a line each; "" while they are the ones that run."""
        ...

    def firing(self) -> Sequence[Episode]:
        """What fires, as of this version."""
        ...

    def version(self) -> int:
        """Another number whenever a page may look different."""
        ...

    # The next four do not wait for the loop: a page must not hold up a cycle, nor a cycle a page.

    def facts(self, episode: Episode) -> Facts:
        """An episode's facts as of the last poll that found it true."""
        ...

    def line(self, key: EntityKey, metric: str) -> Line | None:
        """The last hours of one metric of one entity."""
        ...

    def picture(self, episode: Episode, now: float) -> Picture | None:
        """The deciding metric of an episode, to be drawn."""
        ...

    def texts(self, episode: Episode, now: float) -> Mapping[str, str]:
        """An episode's annotations as a message would say them now, and `reason`."""
        ...

    def reading(self) -> AbstractContextManager[Engine]:
        """The engine for a short look that changes nothing; the loop waits meanwhile."""
        ...

    def healthy(self) -> bool: ...

    def ready(self) -> bool: ...

    def reload(self, by: Actor) -> str:
        """Look at the rule files now, because `by` asked for it; what is wrong with them, "" for nothing."""
        ...

    def put_silence(self, silence: Silence, note: Note | None = None) -> Silence: ...

    def new_silence(
        self, matchers: tuple[Matcher, ...], starts: float, ends: float, author: str, comment: str
    ) -> Silence: ...

    def expire_silence(self, silence_id: str) -> Silence | None: ...

    def acknowledge(
        self,
        episode_id: str,
        author: str,
        comment: str = "",
        *,
        via: str = "",
        address: str = "",
        at: float | None = None,
    ) -> Episode | None: ...

    def withdraw(self, episode_id: str, taken_back: Withdrawal) -> bool: ...
