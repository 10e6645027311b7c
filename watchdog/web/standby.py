"""What a replica answers that stands by: that it lives, and that another one leads."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


def application() -> Starlette:
    """The probes are satisfied: a replica that waits is as it should be. Pages are the leader's."""

    def fine(request: Request) -> Response:
        return PlainTextResponse("ok, standing by\n")

    def elsewhere(request: Request) -> Response:
        return PlainTextResponse("this replica stands by; another one leads and has the pages\n", 503)

    return Starlette(routes=[Route("/healthz", fine), Route("/readyz", fine), Route("/{path:path}", elsewhere)])
