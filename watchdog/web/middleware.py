"""What holds for every answer: headers that keep browsers from doing anything else with it, and limits."""

from __future__ import annotations

import asyncio
from collections import Counter

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from watchdog.web.access import Access
from watchdog.web.places import CONNECTION
from watchdog.web.probes import PROBES

#: Where an answer does not say otherwise.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
#: Bytes of headers, and of a path with its query.
_MOST_HEADERS = 32 * 1024
#: Seconds that a slowed address waits for each of its tries, and at most.
_SLOWED_BY, _LONGEST_WAIT = 1.0, 5.0
#: Tries of one address that wait at a time; further ones are refused unchecked, or they would take all connections.
_MOST_SLOWED = 100


class SlowBodyError(Exception):
    """A body that drips, which would hold its connection for ever."""


class Guard:
    """Around the whole application. Static files may be kept by browsers, answers about the watchdog may not.

    Tokens from an address that guesses wait before they are checked, on every path. A body has `body_within` seconds to
    arrive.
    """

    def __init__(self, app: ASGIApp, access: Access, body_within: float = 10.0) -> None:
        self._app, self._access, self._body_within = app, access, body_within
        self._slowed: Counter[str] = Counter()  #: tries that wait, by address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        asked = len(scope["path"]) + len(scope["query_string"])
        if asked + sum(len(name) + len(value) for name, value in scope["headers"]) > _MOST_HEADERS:
            await PlainTextResponse("the request's headers are too large\n", 431)(scope, receive, guarded)
            return
        try:
            await self._slow_down(scope)
            await self._app(scope, _hurried(receive, self._body_within), guarded)
        except SlowBodyError as cause:
            await PlainTextResponse(f"{cause}\n", 408, {"Connection": "close"})(scope, receive, guarded)
        except ClientDisconnect:
            return  # the client has left

    async def _slow_down(self, scope: Scope) -> None:
        """Let a slowed address wait, longer if more of its tries are waiting."""
        if not _offers_a_token(scope):
            return
        address = self._access.proxy.address(HTTPConnection(scope))
        if not self._access.refusals.slowed(address) or self._slowed[address] >= _MOST_SLOWED:
            return
        self._slowed[address] += 1
        connection = scope.get(CONNECTION)
        if connection is not None:
            connection.waits()
        try:
            await asyncio.sleep(min(_LONGEST_WAIT, _SLOWED_BY * self._slowed[address]))
        finally:
            if connection is not None:
                connection.goes_on()
            self._slowed[address] -= 1
            if not self._slowed[address]:
                del self._slowed[address]


def _offers_a_token(scope: Scope) -> bool:
    if scope["path"] == "/sign-in":
        return bool(scope["method"] == "POST")
    return scope["path"] not in PROBES and any(name == b"authorization" for name, _ in scope["headers"])


def _hurried(receive: Receive, within: float) -> Receive:
    """Receives a body that has to be complete in time; what comes after it (that somebody left) has time."""
    deadline: float | None = asyncio.get_running_loop().time() + within

    async def received() -> Message:
        nonlocal deadline
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise SlowBodyError(f"the body did not arrive within {within:g} seconds") from None
        if not message.get("more_body"):
            deadline = None
        return message

    return received
