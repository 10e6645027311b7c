"""The courier: one worker a target, so that a target that hangs or fails delays no other. The only sender."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import Protocol

from watchdog.cycle.engine import Sending
from watchdog.errors import DeliveryError
from watchdog.notify.message import Message

logger = logging.getLogger(__name__)


class Carrier(Protocol):
    """Anything that can carry one message to one target; raises DeliveryError when it cannot."""

    def send(self, message: Message) -> None: ...


class EngineStore(Protocol):
    """Where duties come from and answers go to. Called from the workers; guards itself."""

    def claim(self, target: str) -> Sending | None: ...

    def carrier(self, target: str) -> Carrier: ...

    def accepted(self, sending: Sending) -> None: ...

    def failed(self, sending: Sending, error: DeliveryError) -> None: ...


class Sender:
    """Starts a worker for each target that something is due at, and ends it when nothing is."""

    def __init__(self, engine_store: EngineStore) -> None:
        self._engine_store = engine_store
        self._lock = threading.Lock()
        self._workers: dict[str, threading.Thread] = {}
        self._again: set[str] = set()
        self._under_way: dict[str, Sending] = {}
        self._stopping = False

    def wake(self, targets: Iterable[str]) -> None:
        """Look after these targets now; one whose worker is busy is looked after when that is done."""
        with self._lock:
            if self._stopping:
                return
            for target in targets:
                if target in self._workers:
                    self._again.add(target)
                    continue
                # a daemon, because a target that hangs must not keep the process from ending
                worker = threading.Thread(target=self._work, args=(target,), name=f"courier-{target}", daemon=True)
                self._workers[target] = worker
                worker.start()

    def stop(self, grace: float) -> None:
        """Start nothing new, wait `grace` seconds for what is under way; what is then still out counts as unknown."""
        with self._lock:
            self._stopping = True
            workers = list(self._workers.values())
        give_up = threading.Event()
        timer = threading.Timer(grace, give_up.set)
        timer.daemon = True
        timer.start()
        for worker in workers:
            while worker.is_alive() and not give_up.is_set():
                worker.join(0.05)
        timer.cancel()
        with self._lock:
            unanswered, self._under_way = dict(self._under_way), {}
        for sending in unanswered.values():
            self._engine_store.failed(
                sending, DeliveryError("no answer before the shutdown", permanent=False, unknown=True)
            )

    def idle(self) -> bool:
        """Whether no worker is at work (for tests and orderly ends)."""
        with self._lock:
            return not self._workers

    def _work(self, target: str) -> None:
        try:
            while self._next(target):
                pass
        except Exception:  # the store may be gone; the duty is kept and tried again at the next wake
            logger.exception("delivery interrupted", extra={"target": target})
            with self._lock:
                self._workers.pop(target, None)
                self._under_way.pop(target, None)

    def _next(self, target: str) -> bool:
        """Send one message; False when the worker may go."""
        with self._lock:
            if self._stopping:
                self._workers.pop(target, None)
                return False
            self._again.discard(target)
        sending = self._engine_store.claim(target)
        if sending is None:
            with self._lock:
                if target in self._again:
                    return True
                self._workers.pop(target, None)
                return False
        with self._lock:
            self._under_way[target] = sending
        try:
            self._engine_store.carrier(target).send(sending.message)
        except DeliveryError as cause:
            self._answer(target, sending, cause)
        except Exception as cause:  # a surprise in one target must not end its deliveries
            logger.exception("target failed unexpectedly", extra={"target": target})
            surprise = DeliveryError(f"unexpected {type(cause).__name__}", permanent=False)
            self._answer(target, sending, surprise)
        else:
            self._answer(target, sending, None)
        return True

    def _answer(self, target: str, sending: Sending, error: DeliveryError | None) -> None:
        with self._lock:
            if self._under_way.pop(target, None) is None:
                return  # the shutdown has recorded it already
        if error is None:
            self._engine_store.accepted(sending)
        else:
            self._engine_store.failed(sending, error)
