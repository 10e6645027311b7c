"""Live updates: a stream of server-sent events that says when a page may look different. It carries no content."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from watchdog.web.access import Access
from watchdog.web.probes import refusal
from watchdog.web.seen import Watched

#: Seconds between two looks: what happened is on the page within this time.
_LOOK = 0.5
#: Something at least so often, so that both ends notice a broken connection: the page waits for it.
_ALIVE = 15.0
#: Streams at a time; more than anybody opens, few enough for a process.
_MOST = 500


def routes(watched: Watched, access: Access, stopping: Callable[[], bool] = lambda: False) -> list[Route]:
    """`/events`; streams end when the server is `stopping`."""
    open_streams = [0]

    async def stream() -> AsyncIterator[str]:
        open_streams[0] += 1
        try:
            seen, quiet = state(), 0.0
            yield f"retry: 2000\nevent: hello\ndata: {seen[0]}\n\n"
            while not stopping():
                await asyncio.sleep(_LOOK)
                found = state()
                if found != seen:
                    seen, quiet = found, 0.0
                    yield f"event: changed\ndata: {seen[0]}\n\n"
                elif (quiet := quiet + _LOOK) >= _ALIVE:
                    quiet = 0.0
                    yield "event: alive\ndata:\n\n"
        finally:
            open_streams[0] -= 1

    def state() -> tuple[int, bool]:
        return watched.version(), watched.healthy()

    async def events(request: Request) -> Response:
        if refused := access.may_read(request.headers, request.cookies):
            return refusal(refused)
        if open_streams[0] >= _MOST:
            return Response(f"{_MOST} pages are open already\n", 503, media_type="text/plain")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)

    return [Route("/events", events)]
