"""Edits the roots of Slack threads, so that each says what is true now. Best effort: no notification waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from watchdog.delivery.slack_threads import ROOT_IS_GONE, Root
from watchdog.errors import DeliveryError, StoreError
from watchdog.notify.message import Message

logger = logging.getLogger(__name__)

#: Seconds between two edits in one channel, and before another try after a failure that may pass.
_EVERY, _AFTER_FAILURE = 2.0, 30.0
#: Seconds after the last change of a root whose alerts are all over, until it is dropped.
_KEPT = 86400.0

#: What is true of alerts that a target was notified about: in short, and what puts it into a message.
Standing = Callable[[str, Sequence[str]], tuple[str, Callable[[], Message]] | None]


class Threads(Protocol):
    """What keeps the roots and reaches Slack: `watchdog.delivery.slack_threads.SlackThreads`."""

    changed: threading.Event
    buttons: bool

    def open_roots(self) -> dict[str, Root]: ...
    def can_edit(self, root: Root) -> bool: ...
    def edit(self, root: Root, attachment: dict[str, Any], text: str) -> None: ...
    def shown(self, key: str, shown: str) -> None: ...
    def forget(self, key: str) -> None: ...


class SlackRoots:
    """Looks every two seconds, while there are roots, which of them say something that is not true any more."""

    def __init__(
        self,
        threads: Threads,
        standing: Standing,
        *,
        clock: Callable[[], float],
        open_target: Callable[[str], object] = lambda target: None,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        self._threads, self._standing, self._clock, self._may_send = threads, standing, clock, may_send
        self._open_target = open_target
        self._not_before: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slack-roots", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._threads.changed.set()

    def edit_due(self) -> None:
        """One edit a channel at most."""
        now = self._clock()
        if not self._may_send():
            return
        for key, root in self._threads.open_roots().items():
            if self._not_before.get(root.channel, now) > now or not self._can_edit(root):
                continue
            if root.shown and " firing" not in root.shown:  # it says that all is over, and nothing has joined it since
                if now - root.changed > _KEPT:
                    self._threads.forget(key)
                continue
            found = self._standing(root.target, root.episodes)
            if found is None:
                self._threads.forget(key)
            elif found[0] != root.shown:
                self._not_before[root.channel] = now + self._edit(key, root, *found)

    def _can_edit(self, root: Root) -> bool:
        """After a restart a bot's token is known once its target is opened; one that left is not edited any more."""
        if not self._threads.can_edit(root):
            with suppress(DeliveryError):
                self._open_target(root.target)
        return self._threads.can_edit(root)

    def _edit(self, key: str, root: Root, shown: str, message: Callable[[], Message]) -> float:
        """Edit one root; seconds until the next edit in its channel."""
        from slack_sdk.errors import SlackApiError

        from watchdog.delivery.slack import attachment

        try:
            self._threads.edit(root, attachment(message(), buttons=self._threads.buttons), "")
        except SlackApiError as cause:
            error = str(cause.response.get("error", ""))
            if error in ROOT_IS_GONE:
                self._threads.forget(key)
                return _EVERY
            if error == "ratelimited" or cause.response.status_code >= 429:
                return _asked(cause.response.headers)
            logger.warning("a Slack message could not be edited", extra={"channel": root.name, "error": error})
        except Exception as cause:  # no connection, or a surprise: neither may end this thread
            logger.info("a Slack message could not be edited yet", extra={"error": type(cause).__name__})
            return _AFTER_FAILURE
        self._threads.shown(key, shown)
        return _EVERY

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.edit_due()
                waiting = bool(self._threads.open_roots())
            except StoreError as cause:
                logger.info("Slack roots could not be looked at", extra={"error": str(cause)})
                waiting = True
            except Exception:
                logger.exception("Slack roots could not be looked at")
                waiting = True
            if waiting:
                self._stop.wait(_EVERY)
            else:
                self._threads.changed.wait()
            self._threads.changed.clear()


def _asked(headers: dict[str, Any]) -> float:
    """What Retry-After asks for, at least two seconds."""
    given = next((str(value) for name, value in headers.items() if name.lower() == "retry-after"), "")
    return max(_EVERY, float(given)) if given.isdigit() else _AFTER_FAILURE
