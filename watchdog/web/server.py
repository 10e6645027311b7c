"""The web server: every route on one socket, in a thread of its own beside the loop."""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import cast

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from watchdog.errors import SettingsError, StoreError
from watchdog.rules.selector import Selector
from watchdog.store.signed_links import SignedLinks
from watchdog.web import badges, live_updates, probes, readings_export
from watchdog.web.access import Access
from watchdog.web.actions import Acting
from watchdog.web.alertmanager import routes as alertmanager
from watchdog.web.assets import Assets
from watchdog.web.connections import KEEP_ALIVE, Connection
from watchdog.web.links import ActingLinks
from watchdog.web.middleware import Guard
from watchdog.web.pagerduty_hook import PagerDutyHook
from watchdog.web.pages import Pages
from watchdog.web.places import Places
from watchdog.web.rendering import Templates
from watchdog.web.v1 import routes as v1
from watchdog.web.view import ServiceView

#: Connections accepted in one turn of the event loop: fewer than the share of one address, so that a probe's request is
#: read before later connections can replace it.
_ACCEPTED_AT_ONCE = 32
#: Connections that wait in the kernel to be accepted.
_BACKLOG = 1024
#: Files that the rest of the process may need: the database, receivers, the API.
_OTHER_FILES = 200
#: Seconds between two calls of `housekeeping`.
_HOUSEKEEPING = 5
#: Seconds between two looks of the server after itself.
_TICK = 1.0


def application(
    watched: ServiceView,
    access: Access,
    name: str = "watchdog",
    signed: SignedLinks | None = None,
    hook_secret: str = "",
    exported: Selector | None = None,
) -> Starlette:
    """Everything that is answered; `name` is this instance's, for display, `signed` reads links that act,
    `hook_secret` is what PagerDuty signs with, `exported` whose readings `/metrics/readings` shows."""
    assets = Assets()
    templates = Templates(name, assets.version)
    app = Starlette(
        routes=[
            *probes.routes(watched, access),
            *readings_export.routes(watched, access, exported),
            *alertmanager.routes(watched, access),
            *v1.routes(watched, access),
            *badges.routes(watched, access),
            *live_updates.routes(watched, access, stopping=lambda: app.state.stopping()),
            *assets.routes(),
            *Acting(watched, access, templates).routes(),
            *PagerDutyHook(watched, access, hook_secret).routes(),
            *ActingLinks(watched, access, templates, signed).routes(),
            *Pages(watched, access, templates).routes(),
        ],
        middleware=[Middleware(Guard, access)],
        exception_handlers={StoreError: _database_away(templates), 404: _no_page(templates)},
    )
    app.state.stopping = lambda: False  # whoever serves it says when its streams have to end
    return app


def _database_away(templates: Templates) -> Callable[[Request, Exception], Response]:
    """The answer while the database is away and a page needs it."""

    def answer(request: Request, cause: Exception) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return templates.page("unavailable.html", 503, text=str(cause))
        return PlainTextResponse(f"{cause}\n", 503)

    return answer


def _no_page(templates: Templates) -> Callable[[Request, Exception], Response]:
    """The answer to a path that leads nowhere: a page for browsers, a sentence for others."""

    def answer(request: Request, cause: Exception) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return templates.page("missing.html", 404)
        return PlainTextResponse("there is nothing at this path; the status page is at /\n", 404)

    return answer


class Server:
    """Serves until `stop`. The socket is bound at once, so that a taken port is an error of the start. `housekeeping`
    is called in a thread every few seconds."""

    def __init__(
        self,
        app: Starlette,
        host: str,
        port: int,
        connection: type[Connection] = Connection,
        housekeeping: Callable[[], None] = lambda: None,
        places: Places[Connection] | None = None,
    ) -> None:
        self._socket = _bound(host, port)
        self.address: tuple[str, int] = (host, self._socket.getsockname()[1])
        self._housekeeping = housekeeping
        self._keeping: asyncio.Task[None] | None = None
        # by default uvicorn trusts X-Forwarded-For from every client on loopback
        made = cast("type[Connection]", partial(connection, places=places or Places(most=_room())))
        config = uvicorn.Config(app, http=made, ws="none", log_config=None, access_log=False, lifespan="off",
                                server_header=False, timeout_graceful_shutdown=1, proxy_headers=False,
                                loop="asyncio", backlog=_ACCEPTED_AT_ONCE, timeout_keep_alive=KEEP_ALIVE,
                                callback_notify=self._keep_house, timeout_notify=_HOUSEKEEPING)  # fmt: skip
        self._server = _Uvicorn(config)
        app.state.stopping = lambda: self.stopping
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No new request; open streams are ended."""
        self._server.end()
        self._thread.join(2.0)
        self._socket.close()

    @property
    def stopping(self) -> bool:
        """Whether streams should end."""
        return self._server.should_exit

    async def _keep_house(self) -> None:
        """Start `housekeeping` in a thread unless it still runs; the server does not wait for it."""
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(asyncio.to_thread(self._housekeeping))

    def _run(self) -> None:
        # signals belong to the service: uvicorn takes them only in the main thread
        self._server.run(sockets=[self._socket])


class _Uvicorn(uvicorn.Server):
    """Looks after itself once a second.

    uvicorn's own loop wakes ten times a second, which took 2 ms of every second: a fifth of a busy service's cycle.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def end(self) -> None:
        """Stop serving; any thread may call it."""
        self.should_exit = True
        if self._ended is not None:
            loop, ended = self._ended
            with suppress(RuntimeError):  # the loop is closed: it has ended already
                loop.call_soon_threadsafe(ended.set)

    async def main_loop(self) -> None:
        ended = asyncio.Event()
        self._ended = asyncio.get_running_loop(), ended
        while not await self.on_tick(0):  # 0: the date in answers is renewed at each tick
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _TICK)


class _Listening(socket.socket):
    """Has a longer queue in the kernel than asyncio accepts at once: asyncio uses one number for both."""

    def listen(self, backlog: int = 0) -> None:
        super().listen(max(backlog, _BACKLOG))


def _room() -> int:
    """How many connections there may be: fewer than the files that the process may open."""
    return max(20, min(800, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _OTHER_FILES))


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it each answer on a used connection takes 40 ms
    made = _Listening(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as cause:
        made.close()
        what = f"WATCHDOG_LISTEN={host}:{port} cannot be used: {cause.strerror}; choose another port, or off"
        raise SettingsError(what) from cause
    return made
