"""Connections: which are let in, how long one may take to say what it wants, and when it may be closed."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from watchdog.web.places import CONNECTION, Places
from watchdog.web.probes import PROBES
from watchdog.web.proxy import client_address

#: Seconds that an idle connection stays open: longer than proxies keep theirs, so that the proxy closes first and never
#: sends a request while this end closes.
KEEP_ALIVE = 75
_CLOSE = (b"connection", b"close")
#: uvicorn's own messages about single requests, errors only: strangers must not fill the log.
_QUIET = logging.getLogger("uvicorn.error.requests")
_QUIET.setLevel(logging.ERROR)


class Connection(H11Protocol):
    """One connection to the web server.

    After its first request it is closed only if an answer said `Connection: close`, if it has been idle for
    `KEEP_ALIVE` seconds, or if it is stuck in the middle of a request or an answer.
    """

    #: Seconds for one request from its first byte to its last, and for a client that reads nothing of its answer.
    within = 15.0

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        places: Places[Connection],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _QUIET
        self._places = places
        self._requests = self._requests_before = 0  #: complete ones, now and at the last look
        self._counted: object = None
        self._untaken = 0  #: bytes that the client had not read at the last look
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        goes = self._places.arrive(self, client_address(self.client[0]) if self.client else "")
        if goes is not None:
            goes.transport.abort()
        if goes is not self:
            self._timer = self.loop.call_later(self.within, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._places.leave(self)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        cycle = self.cycle
        if self.scope is not None:
            cast("dict[str, object]", self.scope)[CONNECTION] = self
        if cycle is None or cycle.more_body or cycle is self._counted:
            return
        self._counted = cycle
        self._requests += 1
        self._places.finished(self, probe=self.scope["path"] in PROBES)
        if self._places.crowded and _CLOSE not in self.headers:
            self.headers.append(_CLOSE)  # uvicorn repeats it in the answer

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP. uvicorn fails here if an answer has begun already."""
        can_answer = self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # what the application still sends has nowhere to go
        if can_answer:
            super().send_400_response(msg)
        else:
            self.transport.close()

    def _should_upgrade(self) -> bool:
        return False

    def waits(self) -> None:
        """The answer is delayed on purpose; meanwhile this connection gives way to others."""
        goes = self._places.waits(self)
        if goes is not None:
            goes.transport.abort()

    def goes_on(self) -> None:
        """The answer is not delayed any more."""
        self._places.finished(self, probe=False)

    def _look(self) -> None:
        """Close the connection if it is stuck in the middle of a request, or if the client reads nothing."""
        if self.transport.is_closing():
            return
        answering = self.cycle is not None and not self.cycle.response_complete
        asked_nothing = self._requests == self._requests_before
        untaken = self.transport.get_write_buffer_size()
        if answering and untaken and untaken == self._untaken:
            self.transport.abort()
            return
        if not answering and asked_nothing and (self._requests == 0 or self._in_a_request()):
            self._time_out()
            return
        self._requests_before, self._untaken = self._requests, untaken
        self._timer = self.loop.call_later(self.within, self._look)

    def _in_a_request(self) -> bool:
        return bool(self.conn.trailing_data[0]) or self.conn.their_state is h11.SEND_BODY

    def _time_out(self) -> None:
        """Close; if part of a request has arrived, answer why."""
        if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
            text = b"the request did not arrive in time\n"
            headers = [(b"content-type", b"text/plain; charset=utf-8"), _CLOSE]
            for event in (h11.Response(status_code=408, headers=headers, reason=b"Request Timeout"),
                          h11.Data(data=text), h11.EndOfMessage()):  # fmt: skip
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
