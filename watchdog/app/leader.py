"""The service as the web sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from watchdog.alerts.episodes import Episode, Facts, Note, Withdrawal
from watchdog.alerts.silences import Matcher, Silence
from watchdog.app.engine_store import EngineStore
from watchdog.app.reloader import Reloader
from watchdog.app.service import Service
from watchdog.cycle.engine import Engine
from watchdog.cycle.evaluation import Evaluation
from watchdog.cycle.policy import Policy
from watchdog.notify.chart import Picture
from watchdog.notify.rendering import Links
from watchdog.readings.chart_history import Line
from watchdog.readings.fleet import EntityKey
from watchdog.store.audit import Actor
from watchdog.store.store import Store


class LeaderView:
    """Joins the desk, the loop and the reloader for `watchdog.web`."""

    def __init__(self, service: Service, reloader: Reloader) -> None:
        self._service = service
        self._reloader = reloader

    @property
    def _engine_store(self) -> EngineStore:
        return self._service.engine_store

    @property
    def store(self) -> Store:
        return self._engine_store.store

    @property
    def evaluation(self) -> Evaluation | None:
        return self._engine_store.evaluation

    @property
    def policy(self) -> Policy:
        return self._engine_store.engine.policy

    @property
    def links(self) -> Links:
        return self._engine_store.engine.links

    @property
    def leader(self) -> str:
        return ""

    @property
    def stands_by(self) -> bool:
        return False

    @property
    def mistakes(self) -> str:
        return self._reloader.last_error

    def firing(self) -> Sequence[Episode]:
        return self._engine_store.firing()

    def version(self) -> int:
        return self._engine_store.version

    def facts(self, episode: Episode) -> Facts:
        return self._engine_store.engine.current(episode)

    def line(self, key: EntityKey, metric: str) -> Line | None:
        return self._engine_store.engine.trace.line(key, metric)

    def picture(self, episode: Episode, now: float) -> Picture | None:
        return self._engine_store.engine.picture(episode, now)

    def texts(self, episode: Episode, now: float) -> Mapping[str, str]:
        return self._engine_store.engine.annotations(episode, now)

    def reading(self) -> AbstractContextManager[Engine]:
        return self._engine_store.reading()

    def healthy(self) -> bool:
        return self._service.healthy()

    def ready(self) -> bool:
        return self._service.progress.poll_succeeded

    def reload(self, by: Actor) -> str:
        wrong = self._reloader.try_now()
        self._service.reload(by)
        return wrong

    def put_silence(self, silence: Silence, note: Note | None = None) -> Silence:
        return self._after(self._engine_store.put_silence(silence, note))

    def new_silence(
        self, matchers: tuple[Matcher, ...], starts: float, ends: float, author: str, comment: str
    ) -> Silence:
        return self._after(self._engine_store.new_silence(matchers, starts, ends, author, comment))

    def expire_silence(self, silence_id: str) -> Silence | None:
        found = self._engine_store.expire_silence(silence_id)
        self._service.wake()
        return found

    def acknowledge(
        self,
        episode_id: str,
        author: str,
        comment: str = "",
        *,
        via: str = "",
        address: str = "",
        at: float | None = None,
    ) -> Episode | None:
        found = self._engine_store.acknowledge(episode_id, author, comment, via=via, address=address, at=at)
        self._service.wake()
        return found

    def withdraw(self, episode_id: str, taken_back: Withdrawal) -> bool:
        found = self._engine_store.withdraw(episode_id, taken_back)
        self._service.wake()
        return found

    def _after(self, silence: Silence) -> Silence:
        self._service.wake()
        return silence
