"""Calendars of mutes while the service runs: read every 15 minutes, beside the cycle; the last good copy goes on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2s
from urllib.parse import urlsplit

import httpx

from watchdog.configuration.calendars import AHEAD, BEFORE, MOST, Events, decoded, events_of, is_remote, read_file
from watchdog.cycle.policy import Policy
from watchdog.errors import StoreError
from watchdog.store.store import Store

logger = logging.getLogger(__name__)

_EVERY, _WITHIN = 900.0, 20.0


#: A calendar and the zone of what has none in it.
_Use = tuple[str, str]


class Calendars:
    """Reads what the mutes of a policy name. `failing` says why a calendar could not be used the last time."""

    def __init__(self, store: Store, clock: Callable[[], float], within: float = _WITHIN) -> None:
        self._store, self._clock, self._within = store, clock, within
        self._lock = threading.Lock()
        self._uses: frozenset[_Use] = frozenset()
        self._events: dict[_Use, Events] = {}
        self._read_at = float("-inf")
        self._reading: threading.Thread | None = None
        self._news = False
        self.failing: dict[str, str] = {}

    def filled(self, policy: Policy) -> Policy:
        """The policy with the events of its calendars as far as they are known. What it names for the first time is
        taken from its file, or from the copy that is kept, and fetched soon."""
        uses = frozenset((one.calendar, one.timezone) for one in policy.mutes if one.calendar)
        if uses != self._uses:
            self._uses, self._read_at = uses, float("-inf")
            sources = {source for source, _ in uses}
            self.failing = {source: why for source, why in self.failing.items() if source in sources}
            for use in sorted(uses - self._events.keys()):
                self._begin_with(use)
        self.look()
        with self._lock:
            self._news = False
            known = dict(self._events)
        return replace(policy, mutes=tuple(replace(one, events=known.get((one.calendar, one.timezone), one.events))
                                           for one in policy.mutes))  # fmt: skip

    def look(self) -> bool:
        """Read again where it is time; whether there is something that `filled` has not seen."""
        now = self._clock()
        idle = self._reading is None or not self._reading.is_alive()
        if self._uses and idle and now - self._read_at >= _EVERY:
            self._read_at = now
            self._reading = threading.Thread(target=self._read, args=(self._uses,), name="calendars", daemon=True)
            self._reading.start()
        with self._lock:
            return self._news

    def join(self) -> None:
        """Wait for a reading that is under way."""
        if self._reading is not None:
            self._reading.join()

    # -- inside

    def _begin_with(self, use: _Use) -> None:
        try:
            text = self._kept(use[0]) if is_remote(use[0]) else read_file(use[0])
            if text is not None:
                self._events[use] = self._unfolded(text, use)
        except ValueError as cause:
            self._complain(use[0], cause)

    def _read(self, uses: frozenset[_Use]) -> None:
        """In a thread of its own. What cannot be read now goes on as it was read before."""
        for use in sorted(uses):
            source = use[0]
            try:
                text = self._fetch(source) if is_remote(source) else read_file(source)
                events = self._unfolded(text, use)
            except ValueError as cause:
                self._complain(source, cause)
                text = self._kept(source) or ""
                with suppress(ValueError):
                    events = self._unfolded(text, use)  # days ahead of those that were unfolded before
                    self._learn(use, events)
            except Exception:  # a surprise in one calendar is no reason to read no other
                logger.exception("a calendar could not be read")
                self._complain(source, ValueError("cannot be understood"))
            else:
                self._learn(use, events)
                self._keep(source, text)

    def _learn(self, use: _Use, events: Events) -> None:
        with self._lock:
            self._news = self._news or self._events.get(use) != events
            self._events[use] = events

    def _unfolded(self, text: str, use: _Use) -> Events:
        now = self._clock()
        return events_of(text, now - BEFORE, now + AHEAD, use[1])

    def _fetch(self, url: str) -> str:
        began = time.monotonic()
        try:
            with (
                httpx.Client(timeout=self._within) as client,
                client.stream("GET", url) as answer,
            ):
                if answer.status_code != 200:
                    raise ValueError(f"answered {answer.status_code} {answer.reason_phrase}; 200 is accepted")
                content = b""
                for piece in answer.iter_bytes():
                    content += piece
                    if time.monotonic() - began > self._within:
                        raise ValueError(f"takes longer than {self._within:g} s")
                    if len(content) > MOST:
                        break
                return decoded(content)
        except (httpx.HTTPError, httpx.InvalidURL) as cause:
            raise ValueError(f"cannot be fetched: {type(cause).__name__}") from None

    def _keep(self, source: str, text: str) -> None:
        with self._lock:
            self.failing = {one: why for one, why in self.failing.items() if one != source}
        try:
            if self._store.document(_name(source)) != text:
                self._store.put_document(_name(source), text)
        except StoreError as cause:
            logger.warning("a calendar could not be saved", extra={"error": str(cause)})

    def _kept(self, source: str) -> str | None:
        try:
            return self._store.document(_name(source))
        except StoreError:
            return None

    def _complain(self, source: str, cause: ValueError) -> None:
        why = f"ics: {_shown(source)} {cause}"
        if self.failing.get(source) != why:  # trouble that repeats unchanged is said once
            logger.warning("a calendar cannot be used; its last good copy goes on", extra={"error": why})
        with self._lock:
            self.failing = {**self.failing, source: why}


def _shown(source: str) -> str:
    """A calendar's address may be its password: path and query are left out."""
    return f"https://{urlsplit(source).hostname}/…" if is_remote(source) else source


def _name(source: str) -> str:
    return f"calendar:{blake2s(source.encode(), digest_size=16).hexdigest()}"
