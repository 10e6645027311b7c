"""Probes, metrics and reload: what machines ask."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from watchdog.web.access import Access, Refusal
from watchdog.web.metrics import exposition
from watchdog.web.seen import Watched

_METRICS = "text/plain; version=0.0.4; charset=utf-8"


def routes(watched: Watched, access: Access) -> list[Route]:
    """The probes are always open; `/metrics` is read like a page; `/-/reload` is a change."""

    def healthz(request: Request) -> Response:
        if watched.leader:  # waiting is as it should be: nobody restarts a replica that stands by
            return PlainTextResponse("ok, standing by\n")
        fine = watched.healthy()
        return PlainTextResponse("ok\n" if fine else "cycles do not end\n", 200 if fine else 503)

    def readyz(request: Request) -> Response:
        fine = watched.ready()
        return PlainTextResponse("ok\n" if fine else "no poll has succeeded yet\n", 200 if fine else 503)

    def metrics(request: Request) -> Response:
        if refused := access.may_read(request.headers, request.cookies):
            return refusal(refused)
        with watched.reading() as engine:
            text = exposition(engine)
        return Response(text, media_type=_METRICS)

    def reload(request: Request) -> Response:
        if refused := access.may_change(request.headers, request.cookies):
            return refusal(refused)
        wrong = watched.reload()
        return PlainTextResponse(f"{wrong}\n" if wrong else "reloaded\n", 422 if wrong else 200)

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/-/reload", reload, methods=["POST"]),
    ]


def refusal(refused: Refusal) -> Response:
    """Why a request is not answered, with what a client needs to do better."""
    return PlainTextResponse(refused.why + "\n", refused.status, refused.headers)
