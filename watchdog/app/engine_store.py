"""The desk: the engine and the store behind one lock. What is decided is saved before anybody may send it."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from watchdog.alerts.episodes import Acknowledgement, Episode, Note, Withdrawal
from watchdog.alerts.silences import Matcher, Silence, check_new, check_said
from watchdog.cycle.engine import Engine, Sending
from watchdog.cycle.evaluation import Evaluation
from watchdog.cycle.policy import Policy
from watchdog.delivery.sender import Carrier
from watchdog.errors import DeliveryError, StoreError
from watchdog.notify.ledger import Standing
from watchdog.notify.message import Message
from watchdog.notify.pending import ReportSpan
from watchdog.notify.rendering import state_of
from watchdog.readings.poll import Poll
from watchdog.reports.message import filled, scheduled
from watchdog.store.store import Store

logger = logging.getLogger(__name__)

#: Seconds a page waits for a cycle; alerts it shows where it has waited in vain.
_PATIENCE, _MOST = 1.0, 100_000


class EngineStore:
    """Everything that changes or reads the engine goes through here, from whichever thread.

    `open_carrier(target id)` makes what carries messages to one target, `label(target id)` says what to call it;
    `may_send` tells whether this replica (still) leads. While the store cannot be written, decisions wait in memory
    and nothing is sent.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        *,
        clock: Callable[[], float],
        open_carrier: Callable[[str], Carrier],
        label: Callable[[str], str] = lambda target: "",
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        self.engine = engine
        self.store = store
        self.clock = clock
        self._open_carrier = open_carrier
        self._label = label
        self._may_send = may_send
        self._lock = threading.RLock()
        self._carriers: dict[str, Carrier] = {}
        self._seen_marker: object = None
        self._unread = ""  #: why silences could not be read the last time
        self.unsaved_since: float | None = None  #: the store has refused since then
        self.version = 0  #: grows whenever a page may look different
        self._firing: tuple[int, Sequence[Episode]] = (-1, ())  #: of which version

    # -- the loop

    def judge(self, poll: Poll, service: Mapping[str, float]) -> bool:
        """One cycle; True if what it decided is saved."""
        with self._lock:
            self.engine.judge(poll, service)
            saved = self._save(after_poll=True)
            if saved:
                self._end_silences()
            return saved

    def tick(self) -> None:
        """What time brings; saved before the next claim."""
        with self._lock:
            self._end_lapsed()
            self.engine.tick(self.clock())
            self._save()

    def next_deadline(self) -> float | None:
        """When `tick` or a claim has something to do. None while nothing may be told: what is overdue then would have
        the loop ask without a pause."""
        with self._lock:
            if self.unsaved_since is not None or not self._may_send():
                return None
            return self.engine.next_deadline(self.clock())

    def adopt(self, policy: Policy) -> None:
        with self._lock:
            self.engine.adopt(policy)

    def read_people(self) -> None:
        """Silences and acknowledgements that other processes wrote beside this one."""
        try:
            marker = self.store.changes_seen()
            if marker == self._seen_marker:
                return
            silences, acknowledgements = self.store.silences(), self.store.acknowledgements()
        except StoreError as cause:
            if str(cause) != self._unread:  # trouble that repeats unchanged is said once
                logger.warning("silences could not be read", extra={"error": str(cause)})
            self._unread = str(cause)
            return
        self._unread = ""
        with self._lock:
            self._seen_marker = marker
            self.version += 1
            self.engine.set_silences(silences)
            for episode, said in acknowledgements.items():
                if isinstance(said, Withdrawal):
                    self.engine.withdraw(episode, said)
                else:
                    self.engine.acknowledge(episode, said)
            self._save()
        self._end_silences()

    def waiting_targets(self) -> list[str]:
        with self._lock:
            return [] if self.unsaved_since is not None else self.engine.waiting_targets()

    def tidy(self, history: float) -> None:
        """Drop what is older than `history` seconds and neither open nor owed, and readings no window reaches."""
        now = self.clock()
        with self._lock:
            self.engine.forget(now - history)
            keep_from = self.engine.keep_windows_from(now)
        try:
            self.store.prune(now - history)
            self.store.prune_windows(keep_from)
        except StoreError as cause:
            logger.warning("old records could not be dropped", extra={"error": str(cause)})

    # -- deliveries

    def claim(self, target: str) -> Sending | None:
        """The next message of a target; nothing while decisions are unsaved or another replica leads."""
        with self._lock:
            if self.unsaved_since is not None or not self._may_send():
                return None
            sending = self.engine.claim(target, self.clock())
        span = None if sending is None else sending.claim.notification.report
        return sending if sending is None or span is None else self._with_report(sending, span)

    def carrier(self, target: str) -> Carrier:
        """What carries to a target; one whose URL is no longer known cannot be reached for good."""
        with self._lock:
            found = self._carriers.get(target)
            if found is None:
                found = self._carriers[target] = self._open_carrier(target)
                self.engine.name_target(target, self._label(target))
            return found

    def forget_carriers(self) -> None:
        """After a reload: a rotated secret means another URL for the same target."""
        with self._lock:
            self._carriers.clear()

    def open_incidents(self) -> dict[str, list[Episode]]:
        """Alerts that fire and that PagerDuty was notified of, by its key."""
        found: dict[str, list[Episode]] = {}
        with self._lock:
            records = self.engine.records
            for episode in records.open_episodes():
                keys = {one.incident for one in records.entries_of(episode.id) if one.standing is Standing.ACCEPTED}
                for key in keys - {""}:
                    found.setdefault(key, []).append(episode)
        return found

    def standing(self, target: str, episode_ids: Sequence[str]) -> tuple[str, Callable[[], Message]] | None:
        """What is true now of alerts that a target was notified about, in short (it differs when a message has to say
        something else) and what puts it into a message; None when none of them is known any more. Raises StoreError."""
        found = [self.engine.records.episodes.get(one) or self.store.episode(one) for one in episode_ids]
        episodes = [one for one in found if one is not None]

        def message() -> Message:
            with self._lock:
                return self.engine.standing(target, episodes, self.clock())

        return (state_of(episodes), message) if episodes else None

    def accepted(self, sending: Sending) -> None:
        with self._lock:
            self.engine.accepted(sending, self.clock())
            self._save()
        logger.info("message delivered", extra=_fields(sending))

    def failed(self, sending: Sending, error: DeliveryError) -> None:
        with self._lock:
            first = sending.claim.notification.attempts == 0
            self.engine.failed(sending, error, self.clock())
            self._save()
        fields = {**_fields(sending), "error": str(error), "permanent": error.permanent, "unknown": error.unknown}
        if first or error.permanent or error.unknown:  # trouble that repeats unchanged is said once
            logger.warning("message not delivered", extra=fields)

    # -- people

    def put_silence(self, silence: Silence, note: Note | None = None) -> Silence:
        """Make or change a silence; raises StoreError when it cannot be kept."""
        with self._lock:
            self.store.put_silence(silence, note)
            self.engine.set_silences(self.store.silences())
            self.version += 1
            self.engine.tick(self.clock())
            self._save()
        return silence

    def new_silence(
        self, matchers: tuple[Matcher, ...], starts: float, ends: float, author: str, comment: str
    ) -> Silence:
        """A silence with an id of its own; raises ValueError for one that could not hold anything back."""
        silence = Silence(str(uuid.uuid4()), matchers, starts, ends, author, comment, changed=self.clock())
        check_new(silence)
        return self.put_silence(silence)

    def expire_silence(self, silence_id: str) -> Silence | None:
        """End a silence now; None when there is none with this id."""
        now = self.clock()
        found = next((one for one in self.store.silences() if one.id == silence_id), None)
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
        """Acknowledge an episode; None when it is not open. Raises ValueError for texts that are too long."""
        check_said(author, comment)
        with self._lock:
            episode = self.engine.records.episodes.get(episode_id)
            if episode is None or not episode.firing:
                return None
            acknowledgement = Acknowledgement(self.clock() if at is None else at, author, comment, via, address)
            # None: the episode is not saved yet
            said = self.store.put_ack(episode_id, acknowledgement) or acknowledgement
            if isinstance(said, Acknowledgement):
                self.engine.acknowledge(episode_id, said)
            self._save()
            return self.engine.records.episodes[episode_id]

    def withdraw(self, episode_id: str, taken_back: Withdrawal) -> bool:
        """Take back an acknowledgement; False when there is none that was given before, through the same channel."""
        with self._lock:
            found = self.store.withdraw_ack(episode_id, taken_back)
            if found:
                self.engine.withdraw(episode_id, taken_back)
                self._save()
            return found

    # -- what pages look at

    @property
    def evaluation(self) -> Evaluation | None:
        """The last poll; an immutable value, read without the lock."""
        return self.engine.evaluation

    def firing(self) -> Sequence[Episode]:
        """What fires, as of this version. A cycle under way is waited for, not for long: then the store is asked."""
        version, episodes = self._firing
        if version == self.version:
            return episodes
        if not self._lock.acquire(timeout=_PATIENCE):
            return self.store.episodes(firing=True, limit=_MOST)
        try:
            self._firing = self.version, self.engine.records.open_episodes()
            return self._firing[1]
        finally:
            self._lock.release()

    @contextmanager
    def reading(self) -> Iterator[Engine]:
        """The engine, for a short look that changes nothing."""
        with self._lock:
            yield self.engine

    # -- inside

    def _with_report(self, sending: Sending, span: ReportSpan) -> Sending | None:
        """A report, made of what the store keeps; None where that cannot be read now. Without the lock: a week of
        alerts takes a while to read, and polls go on meanwhile."""
        try:
            report = scheduled(span, self.store.rows_of(span.start, span.end), self.engine.policy, self.engine.every)
            return replace(sending, message=filled(sending.message, report))
        except Exception as cause:  # it is tried again; left in flight it would never leave
            logger.exception("report could not be made", extra={"receiver": sending.claim.notification.receiver})
            surprise = DeliveryError(f"it could not be made: {type(cause).__name__}", permanent=False)
            with self._lock:
                self.engine.failed(sending, surprise, self.clock())
                self._save()
            return None

    def _end_silences(self) -> None:
        """Silences that hold until an episode ends, end with it."""
        with self._lock:
            now = self.clock()
            try:
                for silence in self.engine.outlived_silences(now):
                    self.put_silence(silence.expired(now))
            except StoreError as cause:  # the next cycle tries again; nobody else is silenced by it
                logger.warning("silence could not be ended", extra={"error": str(cause)})

    def _end_lapsed(self) -> None:
        """Incidents that were resolved at PagerDuty while their alerts fire: after a while they are triggered again."""
        try:
            for episode, taken_back in self.engine.lapsed(self.clock()):
                self.withdraw(episode, taken_back)
        except StoreError as cause:  # it is tried again a second later
            logger.debug("resolved incident not triggered again yet", extra={"error": str(cause)})

    def _save(self, *, after_poll: bool = False) -> bool:
        """Write what was decided, in one transaction; what cannot be written is kept for the next try."""
        changes = self.engine.take_changes(after_poll=after_poll)
        if not changes:
            return self.unsaved_since is None
        windows, rosters = self.engine.windows() if after_poll else ((), ())
        try:
            self.store.commit(changes, windows, rosters)
        except Exception as cause:  # a surprise, too: what was decided and is not saved must not be told, nor be lost
            self.engine.give_back(changes)
            if self.unsaved_since is None:
                self.unsaved_since = self.clock()
                known = isinstance(cause, StoreError)
                logger.error("decisions cannot be saved; nothing new is told", exc_info=not known,
                             extra={"error": str(cause)})  # fmt: skip
            return False
        finally:
            self.version += 1  # now, not before: a page that is made meanwhile would show what was kept until now
        if self.unsaved_since is not None:
            self.unsaved_since = None
            logger.info("decisions are saved again")
        return True


def _fields(sending: Sending) -> dict[str, object]:
    notification = sending.claim.notification
    return {"receiver": notification.receiver, "target": notification.target, "kind": str(sending.claim.kind),
            "title": sending.message.title}  # fmt: skip
