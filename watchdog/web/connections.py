"""Connections: how many at a time, and how long one may take to say what it wants."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """One connection to the web server."""

    #: More than there are open pages and programs, fewer than a process may have files open.
    most = 800
    #: A connection without a whole request for so many seconds is closed, however busily it drips.
    within = 15.0
    _looked_at: object = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
            return
        self._looked_at = self
        self._timer = self.loop.call_later(self.within, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Close it where nothing has been asked since the last look and nothing is being answered."""
        cycle: Any = self.cycle
        idle = cycle is None or cycle.response_complete
        if idle and self._looked_at in (self, cycle):
            self.transport.close()
            return
        self._looked_at = cycle
        self._timer = self.loop.call_later(self.within, self._look)
