"""Sessions of people who signed in on the pages: starts them, finds them by their cookie, ends them at the server."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections.abc import Callable

from watchdog.errors import StoreError
from watchdog.store import sessions as kept
from watchdog.store.sessions import Session
from watchdog.store.store import Store

logger = logging.getLogger(__name__)

COOKIE = "watchdog_session"
LASTS = 12 * 3600.0
#: Seconds for which a session is not looked up again: it may have been ended on another replica.
_LOOK = 2.0
_LONGEST_COOKIE = 100


class Sessions:
    """Kept in the database, so that every replica knows them and a restart ends none; without a store, in memory.

    A session's id is a hash of the cookie and the token: the database holds nothing to sign in with, and a new token
    ends every session. While the database is away, sessions that this replica has seen stay valid.
    """

    def __init__(self, store: Store | None = None, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[Session, float]] = {}  #: by id, and when it was looked up

    def begin(self, token: str, who: str = "") -> str:
        """The value of the cookie."""
        cookie, now = secrets.token_urlsafe(32), self._clock()
        session = Session(_id(cookie, token), who, now + LASTS)
        self._remember(session)
        if self._store is not None:
            try:
                kept.start(self._store, session, now)
            except StoreError as cause:  # it is valid on this replica
                logger.warning("session could not be saved", extra={"error": str(cause)})
        return cookie

    def find(self, cookie: str, token: str) -> Session | None:
        """The session of this cookie, or None."""
        if not cookie or len(cookie) > _LONGEST_COOKIE:
            return None
        id_, now = _id(cookie, token), self._clock()
        seen, looked = self._seen.get(id_, (None, 0.0))
        if self._store is not None and not (seen and 0 <= now - looked < _LOOK):
            try:
                seen = kept.find(self._store, id_, now)
            except StoreError:
                pass  # what this replica saw last is valid
            else:
                self._remember(seen) if seen else self._forget(id_)
        return seen if seen is not None and now < seen.ends else None

    def end(self, cookie: str, token: str) -> None:
        """Sign out. Raises StoreError where other replicas cannot know of it."""
        id_ = _id(cookie[:_LONGEST_COOKIE], token)
        self._forget(id_)
        if self._store is not None:
            kept.end(self._store, id_)

    def _remember(self, session: Session) -> None:
        now = self._clock()
        with self._lock:
            self._seen = {id_: one for id_, one in self._seen.items() if now < one[0].ends}
            self._seen[session.id] = session, now

    def _forget(self, id_: str) -> None:
        with self._lock:
            self._seen.pop(id_, None)


def _id(cookie: str, token: str) -> str:
    return hmac.new(cookie.encode(), token.encode(), hashlib.sha256).hexdigest()
