"""The routes of `/api/watchdog/v1`: each path of the table as a resource, its description, and 404 for all else."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from hashlib import blake2s
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from watchdog.web.access import Access
from watchdog.web.resource import Act, Asked, Resource, WrongError
from watchdog.web.seen import Watched
from watchdog.web.v1.asking import read_body, read_path, read_query
from watchdog.web.v1.objects import Problem
from watchdog.web.v1.openapi import BASE, description
from watchdog.web.v1.operation import Call, Operation
from watchdog.web.v1.operations import OPERATIONS

Clock = Callable[[], float]


def routes(watched: Watched, access: Access, clock: Clock = time.time) -> list[Route]:
    """Reading and changing need what the settings say."""

    def act(operation: Operation) -> Act:
        def answer(asked: Asked) -> Response:
            path = read_path(asked.request.path_params, operation.path_parameters)
            query = read_query(asked.request.url.query, operation.parameters)
            body = None if operation.body is None else read_body(asked.body, operation.body)
            found = operation.act(Call(watched, clock(), {**query, **path}, body))
            return _answered(asked, found, cached=operation.reads)

        return answer

    def describe(asked: Asked) -> Response:
        return _answered(asked, description(access), cached=True)

    def nowhere(asked: Asked) -> Response:
        raise WrongError(404, "there is nothing here", found=asked.request.url.path[:200],
                         accepted=f"the paths of {BASE}/openapi.json")  # fmt: skip

    paths: dict[str, dict[str, Operation]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method] = one
    # a path whose end may hold slashes comes last, or it would take the others' requests
    ordered = sorted(paths.items(), key=lambda item: item[0].endswith("}"))
    made = []
    for path, operations in ordered:
        acts = {method: act(one) for method, one in operations.items()}
        bodies = frozenset(method for method, one in operations.items() if one.body is not None)
        made.append(Resource(access, acts, _said, bodies).route(BASE + _template(path)))
    every = dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), nowhere)
    return [
        Resource(access, {"GET": describe}, _said).route(f"{BASE}/openapi.json"),
        *made,
        Resource(access, every, _said).route(BASE),
        Resource(access, every, _said).route(BASE + "/{rest:path}"),
    ]


def _template(path: str) -> str:
    """Names, and ids of entities, may hold slashes; they end their path."""
    return path if path.startswith(("/episodes", "/silences")) else re.sub(r"\{(\w+)\}$", r"{\1:path}", path)


def _answered(asked: Asked, found: Any, *, cached: bool) -> Response:
    body = msgspec.json.encode(found)
    if not cached:
        return Response(body, 200, {"Cache-Control": "no-store"}, "application/json")
    tag = f'"{blake2s(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = {one.strip().removeprefix("W/") for one in asked.request.headers.get("if-none-match", "").split(",")}
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, "application/json")


def _said(cause: WrongError) -> Response:
    body = msgspec.json.encode(Problem(cause.why, cause.found, cause.accepted))
    return Response(body, cause.status, {"Cache-Control": "no-store"}, "application/json")
