"""Which configuration is in force: the first one, edits that are accepted, and edits that are not."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from watchdog.app.calendars import Calendars
from watchdog.cycle.policy import Policy
from watchdog.errors import ConfigError, RuleFileError, StoreError
from watchdog.store.audit import Action, Actor, Via, record
from watchdog.store.store import Store

logger = logging.getLogger(__name__)


class Watcher(Protocol):
    """Tells when the files have changed and been unchanged for long enough."""

    def settled(self, now: float) -> bool: ...


class Reloader:
    """Loads the rule files when they change or when asked; a broken edit changes nothing but `invalid`.

    `load()` reads the files and raises RuleFileError with every mistake.
    """

    def __init__(
        self,
        load: Callable[[], Policy],
        store: Store,
        clock: Callable[[], float],
        watcher: Watcher | None = None,
        calendars: Calendars | None = None,
    ) -> None:
        self._calendars = calendars or Calendars(store, clock)
        self._policy = Policy()  #: the last one, before its calendars were read
        self._load = load
        self._store = store
        self._clock = clock
        self._watcher = watcher
        self._asked = threading.Event()
        self._asked_by = Actor(via=Via.FILES)
        self._fingerprint = ""
        self._unsaved: Policy | None = None  #: accepted, and the store has refused it so far
        self._mistakes = 0  #: in the files on disk
        self._last_error = ""

    def first(self, saved: Callable[[dict[str, str]], Policy], *, strict: bool) -> Policy:
        """The configuration to start with: the files', or where they are broken (and not `strict`) the last accepted.

        Raises RuleFileError where neither can be used.
        """
        try:
            policy = self._load()
        except RuleFileError as cause:
            found = self._store.last_configuration()
            if strict or found is None:
                raise
            policy = saved(dict(found))
            self._refuse(cause)
            logger.error("rules on disk are invalid; running the last accepted ones", extra={"mistakes": str(cause)})
        else:
            self._accept(policy)
        self._fingerprint, self._policy = policy.fingerprint, policy
        _warn(policy)
        return self._calendars.filled(policy)

    @property
    def invalid(self) -> int:
        """Mistakes in the files on disk, and calendars that cannot be used."""
        return self._mistakes + len(self._calendars.failing)

    @property
    def last_error(self) -> str:
        """What is wrong with the files and the calendars, "" for nothing."""
        return "\n".join(text for text in (self._last_error, *self._calendars.failing.values()) if text)

    def ask(self, by: Actor) -> None:
        """Look at the files at the next chance, changed or not."""
        self._asked_by = by
        self._asked.set()

    def try_now(self) -> str:
        """What is wrong with the files as they are now, "" for nothing; changes nothing."""
        try:
            self._load()
        except ConfigError as cause:
            return str(cause)
        return ""

    def look(self, now: float) -> Policy | None:
        """A configuration to use from the next poll on; None when there is no new one."""
        if self._unsaved is not None:
            self._accept(self._unsaved)
        asked = self._asked.is_set()
        if not asked and (self._watcher is None or not self._watcher.settled(now)):
            return self._calendars.filled(self._policy) if self._calendars.look() else None
        self._asked.clear()
        by = self._asked_by if asked else Actor(via=Via.FILES)
        try:
            policy = self._load()
        except ConfigError as cause:
            self._refuse(cause)
            record(self._store, now, by, Action.RELOAD, f"refused: {str(cause).splitlines()[0]}")
            logger.error("rules on disk are invalid; the last good ones stay in force", extra={"mistakes": str(cause)})
            return None
        self._mistakes, self._last_error = 0, ""
        if policy.fingerprint == self._fingerprint and not asked:
            return None
        self._fingerprint, self._policy = policy.fingerprint, policy
        self._accept(policy)
        record(self._store, now, by, Action.RELOAD, f"{len(policy.rules)} rules")
        logger.info("rules reloaded", extra={"rules": len(policy.rules), "warnings": len(policy.warnings)})
        _warn(policy)
        return self._calendars.filled(policy)

    def _accept(self, policy: Policy) -> None:
        """Keep it for a cold start, now or as soon as the store can be written."""
        again, self._unsaved = policy is self._unsaved, None
        try:
            self._store.save_configuration(policy.fingerprint, policy.sources, self._clock())
        except StoreError as cause:
            self._unsaved = policy
            if not again:
                logger.warning("accepted rules could not be saved", extra={"error": str(cause)})

    def _refuse(self, cause: ConfigError) -> None:
        self._last_error = str(cause)
        self._mistakes = len(cause.mistakes) if isinstance(cause, RuleFileError) else 1


def _warn(policy: Policy) -> None:
    for warning in policy.warnings:
        logger.warning("rule file warning", extra={"warning": str(warning)})
