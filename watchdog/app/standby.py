"""A replica that stands by, as the web sees it: what the leader has written, and what people may do meanwhile."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from watchdog.alerts.episodes import Acknowledgement, Episode, Facts, Note, Withdrawal
from watchdog.alerts.silences import Matcher, Silence, check_new, check_said
from watchdog.cycle.engine import Engine
from watchdog.cycle.evaluation import Evaluation
from watchdog.cycle.policy import Policy
from watchdog.cycle.state import CycleState
from watchdog.errors import StoreError
from watchdog.notify.chart import Picture
from watchdog.notify.rendering import Links, Wording
from watchdog.readings.chart_history import Line
from watchdog.readings.fleet import EntityKey
from watchdog.store.audit import Actor
from watchdog.store.store import Store

#: What the leader wrote is looked for at most so often, however many pages are open (seconds).
_LOOK = 0.5
#: Alerts shown at most.
_MOST = 100_000


class StandbyView:
    """Reads the leader's database. Readings are in the leader's memory alone: pages here have none, and say so.

    Silences and acknowledgements made here are written for the leader, who notices within a second. `patience` is after
    how many seconds without a cycle of the leader's the pages say that they are out of date.
    """

    def __init__(
        self,
        store: Store,
        load_policy: Callable[[], Policy],
        wording: Wording,
        *,
        every: float,
        patience: float,
        clock: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self._store, self._load_policy, self._wording = store, load_policy, wording
        self._every, self._patience, self._clock, self._steady = every, patience, clock, steady
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._marker: object = None
        self._version = 0
        self._cycle = CycleState()
        self._engine: tuple[int, Engine] | None = None

    @property
    def store(self) -> Store:
        return self._store

    @property
    def evaluation(self) -> Evaluation | None:
        return None

    @property
    def policy(self) -> Policy:
        return self._built().policy

    @property
    def links(self) -> Links:
        return self._wording.links

    @property
    def leader(self) -> str:
        return self._store.leader() or "another replica"

    @property
    def stands_by(self) -> bool:
        return True

    @property
    def mistakes(self) -> str:
        return ""

    def firing(self) -> Sequence[Episode]:
        return self._store.episodes(firing=True, limit=_MOST)

    def version(self) -> int:
        self._look()
        return self._version

    def facts(self, episode: Episode) -> Facts:
        return episode.facts

    def line(self, key: EntityKey, metric: str) -> Line | None:
        return None

    def picture(self, episode: Episode, now: float) -> Picture | None:
        return None

    def texts(self, episode: Episode, now: float) -> Mapping[str, str]:
        return self._wording.annotations(episode, episode.facts, now)

    @contextmanager
    def reading(self) -> Iterator[Engine]:
        yield self._built()

    def healthy(self) -> bool:
        """Whether the leader's cycles end."""
        self._look()
        return self._cycle.at is not None and self._clock() - self._cycle.at <= self._patience

    def ready(self) -> bool:
        """Whether there is something to show: a poll of the leader's has been judged."""
        self._look()
        return self._cycle.at is not None

    def reload(self, by: Actor) -> str:
        return "this replica stands by; the leader reads its rules itself"

    # -- people

    def put_silence(self, silence: Silence, note: Note | None = None) -> Silence:
        self._store.put_silence(silence, note)
        return silence

    def new_silence(
        self, matchers: tuple[Matcher, ...], starts: float, ends: float, author: str, comment: str
    ) -> Silence:
        made = Silence(str(uuid.uuid4()), matchers, starts, ends, author, comment, changed=self._clock())
        check_new(made)
        return self.put_silence(made)

    def expire_silence(self, silence_id: str) -> Silence | None:
        now = self._clock()
        found = next((one for one in self._store.silences() if one.id == silence_id), None)
        if found is None or found.ends <= now:
            return found
        return self.put_silence(found.expired(now))

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
        check_said(author, comment)
        said = Acknowledgement(self._clock() if at is None else at, author, comment, via, address)
        return None if self._store.put_ack(episode_id, said) is None else self._store.episode(episode_id)

    def withdraw(self, episode_id: str, taken_back: Withdrawal) -> bool:
        return self._store.withdraw_ack(episode_id, taken_back)

    # -- inside

    def _look(self) -> None:
        """Notice what the leader or people have written. A database that cannot be asked is out of date, no more."""
        with self._lock:
            if self._steady() - self._looked < _LOOK:
                return
            self._looked = self._steady()
            try:
                text = self._store.document("cycle")
                marker = (text, self._store.changes_seen())
            except StoreError:
                return
            if marker != self._marker:
                self._marker = marker
                self._version += 1
                self._cycle = CycleState.decode(text)

    def _built(self) -> Engine:
        """The leader's state as an engine of its own, which decides nothing: for the APIs."""
        version = self.version()
        with self._lock:
            if self._engine is None or self._engine[0] != version:
                engine = Engine(self._load_policy(), self._store.load(), start=self._clock(), every=self._every,
                                wording=self._wording, name=self._wording.instance)  # fmt: skip
                self._engine = version, engine
            return self._engine[1]
