"""One send under way: how far it got, what was answered, and when it is given up.

apprise tells only whether a send succeeded. Whether trying again can help, and when, is told by the answer itself.
So a flight watches the connections urllib3 opens for it, and reads apprise's debug records: those hold the body of the
answer and what an SMTP server said. They also hold routing keys and whole URLs, therefore they go nowhere else.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from ast import literal_eval
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

from urllib3 import connectionpool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

#: Seconds a send may take in all; a dripping server must not hold a worker for ever.
LONGEST = 30.0

_flying: ContextVar[Attempt | None] = ContextVar("flying", default=None)


class Stage(Enum):
    """How far a message got."""

    UNWATCHED = "unwatched"  #: carried by something we cannot look into
    CONNECTING = "connecting"  #: nothing of the message can have arrived
    LEFT = "left"  #: the target may have it


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: `status`, and the seconds it asks to wait."""

    status: int
    retry_after: float | None = None


class Abandoned(OSError):
    """Nobody waits for this send any more, so it must not go on: it would say twice what is tried again."""


@dataclass
class Attempt:
    """What is known of one send. Filled by the thread that sends, read by the one that waits."""

    stage: Stage = Stage.UNWATCHED
    answers: list[Answer] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    #: what broke, as apprise told it; may hold secrets
    troubles: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    broke: BaseException | None = None
    #: it broke on the way to a proxy, or the proxy did not let it through
    at_the_proxy: bool = False
    finished: bool = False
    sent: bool = False
    given_up: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def connecting(self) -> None:
        with self._lock:
            self._stop_if_given_up()
            if self.stage is Stage.UNWATCHED:
                self.stage = Stage.CONNECTING

    def leaving(self) -> None:
        """The next bytes belong to the message. Raises Abandoned where nobody waits any more."""
        with self._lock:
            self._stop_if_given_up()
            self.stage = Stage.LEFT

    def give_up(self) -> bool:
        """Stop waiting; what has not left yet never will. False if it has come to its end meanwhile."""
        with self._lock:
            self.given_up = not self.finished
            return self.given_up

    def end(self, sent: bool) -> None:
        with self._lock:
            self.sent, self.finished = sent, True

    def _stop_if_given_up(self) -> None:
        if self.given_up:
            raise Abandoned("given up before the message left")


def start(attempt: Attempt, send: Callable[[], bool], within: float) -> None:
    """Call `send` and wait for it, at most `within` seconds. Afterwards the flight knows what happened.

    It runs in a daemon thread of its own: one that hangs for ever holds neither its caller nor the end of the process.
    """

    def carry() -> None:
        _flying.set(attempt)
        sent = False
        try:
            sent = bool(send())
        except Exception as cause:  # whatever a plugin raises is a failed send
            attempt.broke = attempt.broke or cause
        finally:
            attempt.end(sent)

    thread = threading.Thread(target=carry, name="delivery", daemon=True)
    thread.start()
    thread.join(within)
    if thread.is_alive():
        attempt.give_up()


def watch() -> None:
    """Look at the connections and records of flights from now on; everybody else's stay as they are."""
    if connectionpool.HTTPConnectionPool.ConnectionCls is not _Connection:
        connectionpool.HTTPConnectionPool.ConnectionCls = _Connection
        connectionpool.HTTPSConnectionPool.ConnectionCls = _SecureConnection
        records = logging.getLogger("apprise")
        records.addHandler(_Records())
        records.setLevel(logging.DEBUG)
        records.propagate = False
        # its debug records are the paths of webhooks, which are their passwords
        logging.getLogger("urllib3").setLevel(logging.WARNING)


class _Watched:
    """What a flight sees of a urllib3 connection."""

    def connect(self) -> None:
        attempt = _flying.get()
        if attempt is None:
            return super().connect()  # type: ignore[misc, no-any-return]
        attempt.connecting()
        try:
            super().connect()  # type: ignore[misc]
        except BaseException as cause:
            attempt.broke = cause
            attempt.at_the_proxy = getattr(self, "proxy", None) is not None and _is_of_proxy(cause)
            raise
        return attempt.leaving()

    def getresponse(self, *args: Any, **kwargs: Any) -> Any:
        attempt = _flying.get()
        try:
            response = super().getresponse(*args, **kwargs)  # type: ignore[misc]
        except BaseException as cause:
            if attempt is not None:
                attempt.broke = cause
            raise
        if attempt is not None:
            asked = response.headers.get("Retry-After")
            attempt.answers.append(Answer(response.status, _seconds(asked, response.headers.get("Date"))))
        return response


def _is_of_proxy(cause: BaseException) -> bool:
    """Of a connection through a proxy only the name and the port of the proxy are looked for here; what is behind it
    is asked of the proxy, whose refusal http.client raises as a bare OSError."""
    return isinstance(cause, NewConnectionError) or type(cause) is OSError


class _Connection(_Watched, HTTPConnection):
    """A plain connection, or one to a proxy."""


class _SecureConnection(_Watched, HTTPSConnection):
    """A connection under TLS, which may go through a proxy's tunnel."""


class _Records(logging.Handler):
    """Gives apprise's records to the flight they belong to, and to nobody else."""

    _BODY = "Response Details:"
    _BREAK = "Socket Exception:"

    def emit(self, record: logging.LogRecord) -> None:
        attempt = _flying.get()
        if attempt is None:
            return
        text = record.getMessage()
        if text.startswith(self._BODY):
            attempt.bodies.append(_text(text.removeprefix(self._BODY).strip()))
        elif text.startswith(self._BREAK):
            attempt.troubles.append(text.removeprefix(self._BREAK).strip())
            # it is told where it is caught, and says more than its text
            attempt.broke = attempt.broke or sys.exception()
        elif record.levelno >= logging.WARNING:
            attempt.warnings.append(text)


def refusals(make: Callable[[], object]) -> tuple[object, list[str]]:
    """What `make` makes, and what apprise warned of meanwhile; the warnings may hold secrets."""
    attempt = Attempt()
    token = _flying.set(attempt)
    try:
        return make(), attempt.warnings
    finally:
        _flying.reset(token)


def _text(shown: str) -> str:
    """The body behind the repr() of its bytes."""
    try:
        body = literal_eval(shown)
    except (ValueError, SyntaxError):
        return shown
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)


def _seconds(asked: str | None, dated: str | None) -> float | None:
    """Retry-After in seconds: a number, or a date, which is counted from the answer's own if it has one."""
    if asked is None:
        return None
    asked = asked.strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        until = parsedate_to_datetime(asked).timestamp()
    except ValueError:
        return None
    try:
        now = parsedate_to_datetime(dated).timestamp() if dated else time.time()
    except ValueError:
        now = time.time()
    return max(0.0, until - now)
