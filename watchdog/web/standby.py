"""What a replica answers that stands by: that it lives, and that another one leads."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


def application() -> Starlette:
    """Healthy, since waiting is as it should be; not ready, since requests belong to the leader, who has the pages."""

    def fine(request: Request) -> Response:
        return PlainTextResponse("ok, standing by\n")

    def elsewhere(request: Request) -> Response:
        return PlainTextResponse("this replica stands by; another one leads and has the pages\n", 503)

    return Starlette(routes=[Route("/healthz", fine), Route("/{path:path}", elsewhere)])
