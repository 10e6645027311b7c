"""One path of an API: its methods, who may use them, what of a body is taken, and errors in that API's own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from watchdog.errors import StoreError
from watchdog.web.access import Access, Refusal
from watchdog.web.middleware import SlowBodyError

#: More than any body of ours holds.
MOST_BODY = 1024 * 1024
#: So much of one that is too large is read all the same: who still sends does not hear an answer.
_READ_OUT = 16 * MOST_BODY


class WrongError(Exception):
    """A request that cannot be answered: its status, why, what was found and what would be accepted."""

    def __init__(
        self, status: int, why: str, *, found: str = "", accepted: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(why)
        self.status, self.why, self.found, self.accepted = status, why, found, accepted
        self.headers = dict(headers or {})

    @classmethod
    def of(cls, refused: Refusal) -> WrongError:
        return cls(refused.status, refused.why, headers=refused.headers)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may be answered. `body` is empty where its method takes none."""

    request: Request
    body: bytes = b""

    @property
    def query(self) -> str:
        """As it was sent. `Request.url` cannot be read where the Host header is no host."""
        return bytes(self.request.scope["query_string"]).decode("latin-1")


Act = Callable[[Asked], Response]


@dataclass(frozen=True)
class Resource:
    """What one path answers. `methods` act in a thread of their own and raise WrongError; `bodies` names those that
    take a JSON body; `say` words an error. GET and HEAD read, everything else changes something."""

    access: Access
    methods: Mapping[str, Act]
    say: Callable[[WrongError], Response]
    bodies: frozenset[str] = frozenset()

    def route(self, path: str) -> Route:
        return Route(path, self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except WrongError as cause:
            response = self._said(cause)
        except StoreError as cause:
            response = self._said(WrongError(503, str(cause)))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        act = self.methods.get(method)
        if act is None:
            allowed = ", ".join(sorted({*self.methods, *({"HEAD"} if "GET" in self.methods else ())}))
            raise WrongError(405, f"{request.method} is not answered here", found=request.method, accepted=allowed,
                             headers={"Allow": allowed})  # fmt: skip
        may = self.access.may_read if method == "GET" else self.access.may_change
        if refused := await run_in_threadpool(may, request):
            raise WrongError.of(refused)
        body = await json_body(request) if method in self.bodies else b""
        return await run_in_threadpool(act, Asked(request, body))

    def _said(self, cause: WrongError) -> Response:
        response = self.say(cause)
        response.headers.update(cause.headers)
        return response


async def json_body(request: Request) -> bytes:
    """A body that says it is JSON. Raises WrongError: 415 for another type, 413 for a large one, 408 for a slow one."""
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise WrongError(415, "the body has to be JSON", found=kind or "no Content-Type",
                         accepted="Content-Type: application/json")  # fmt: skip
    body, size = bytearray(), 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= MOST_BODY:
                body += chunk
            elif size > _READ_OUT:
                break
    except SlowBodyError as cause:
        raise WrongError(408, str(cause), headers={"Connection": "close"}) from None
    if size > MOST_BODY:
        raise WrongError(413, "the body is too large", accepted=f"at most {MOST_BODY // 1024**2} MiB",
                         headers={"Connection": "close"})  # fmt: skip
    return bytes(body)
