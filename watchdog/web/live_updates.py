"""Live updates: a stream of server-sent events that says when a page may look different. It carries no content."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from watchdog.web.access import Access
from watchdog.web.probes import refusal
from watchdog.web.view import ServiceView

#: Seconds between two looks, one for all who read.
_LOOK = 0.5
#: Readers are told within so many seconds of a look, each at an instant of its own: they will all ask for the page.
_SPREAD = 1.0
#: Seconds between two tellings of the same reader: a burst of messages changes the page many times a second.
_REST = 2.0
#: Something at least so often, so that both ends notice a broken connection: the page waits for it.
_ALIVE = 15.0
#: Streams at a time; more than anybody opens, and few enough to leave places for other requests.
_MOST = 300


class _Lookout:
    """Looks for all streams, and wakes them when something is to be seen; looks while there is a stream."""

    def __init__(self, watched: ServiceView, stopping: Callable[[], bool]) -> None:
        self._watched, self._stopping = watched, stopping
        self._changed = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._seen: tuple[int, bool] | None = None
        self.streams = 0

    async def state(self) -> tuple[int, bool]:
        """As it was at the last look; a standby asks the database, which nobody else may wait for."""
        if self._seen is None or self._looking is None or self._looking.done():
            self._seen = await asyncio.to_thread(self._ask)
        return self._seen

    def _ask(self) -> tuple[int, bool]:
        return self._watched.version(), self._watched.healthy()

    async def changed(self, within: float) -> None:
        """Until the state has changed or the server stops, no longer than `within` seconds."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._changed.wait()

    async def _look(self) -> None:
        while self.streams:
            await asyncio.sleep(_LOOK)
            seen, self._seen = self._seen, await asyncio.to_thread(self._ask)
            if self._seen != seen or self._stopping():
                self._changed.set()  # whoever waits now
                self._changed = asyncio.Event()


def routes(watched: ServiceView, access: Access, stopping: Callable[[], bool] = lambda: False) -> list[Route]:
    """`/events`; streams end when the server is `stopping`."""
    lookout = _Lookout(watched, stopping)

    async def stream() -> AsyncIterator[str]:
        lookout.streams += 1
        try:
            seen = await lookout.state()
            yield f"retry: 2000\nevent: hello\ndata: {seen[0]}\n\n"
            while not stopping():
                if await lookout.state() == seen:
                    await lookout.changed(_ALIVE)
                if await lookout.state() == seen:
                    yield "event: alive\ndata:\n\n"
                    continue
                await asyncio.sleep(random.uniform(0.0, _SPREAD))
                seen = await lookout.state()
                yield f"event: changed\ndata: {seen[0]}\n\n"
                await asyncio.sleep(_REST)
        finally:
            lookout.streams -= 1

    async def events(request: Request) -> Response:
        if refused := await run_in_threadpool(access.may_read, request):
            return refusal(refused)
        if lookout.streams >= _MOST:
            return Response(f"{_MOST} pages are open already\n", 503, media_type="text/plain")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)

    return [Route("/events", events)]
