"""The routes of `/api/watchdog/v1`, and the OpenAPI description made from the same table of operations."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from hashlib import blake2s
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from watchdog import __version__
from watchdog.web.access import Access
from watchdog.web.resource import Act, Asked, Resource, WrongError
from watchdog.web.v1 import recording
from watchdog.web.v1.operation import Call, Operation
from watchdog.web.v1.operations import OPERATIONS
from watchdog.web.v1.parameters import Parameter, read_body, read_path, read_query
from watchdog.web.v1.schemas import Problem
from watchdog.web.view import ServiceView

BASE = "/api/watchdog/v1"
_ABOUT = """What the watchdog knows of Streamkap pipelines, and what people do about it.

Lists come in pages: `next` of one is `after` of the following; null is the end. Instants are RFC 3339 in UTC, durations
seconds; a value comes with its unit. Errors are objects with `error`, `found` and `accepted`. A parameter nobody knows
is an error. Answers carry an ETag; `If-None-Match` with it is answered 304 while nothing has changed.
"""
_ALWAYS = {
    400: "A parameter or the body is not what it should be.",
    401: "A token is needed, as bearer or as password of basic authentication. Several wrong ones make it slow.",
    403: "Nothing can be changed (or read from elsewhere) while WATCHDOG_WEB_TOKEN is not set, nor from another site.",
    503: "The database cannot be used right now.",
}
_OF_BODIES = {
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body does not say that it is JSON.",
}


def description(access: Access) -> dict[str, Any]:
    """What is needed to read depends on the settings, which `access` knows."""
    used = [kind for one in OPERATIONS for kind in (one.answer, one.body) if kind is not None]
    _, schemas = msgspec.json.schema_components([*used, Problem], ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, access)
    paths[recording.PATH] = {"get": _download(access)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Streamkap watchdog",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "The token is the password."},
            },
        },
    }


def _download(access: Access) -> dict[str, Any]:
    return {
        "operationId": "recording",
        "summary": recording.SUMMARY,
        "security": _security(access, reads=True),
        "parameters": [_parameter(recording.SINCE, "query")],
        "responses": {
            "200": {"description": "The file.", "content": {recording.MEDIA_TYPE: {}}},
            **{str(status): _problem(meaning) for status, meaning in sorted(_ALWAYS.items())},
        },
    }


def _security(access: Access, *, reads: bool) -> list[dict[str, list[str]]]:
    return [*([{}] if reads and access.open_reading else []), {"bearer": []}, {"basic": []}]


def _operation(one: Operation, access: Access) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": one.id,
        "summary": one.summary,
        "security": _security(access, reads=one.reads),
        "responses": {
            "200": {
                "description": "As asked for.",
                "content": {"application/json": {"schema": _schema(one.answer)}},
                **({"headers": {"ETag": {"schema": {"type": "string"}}}} if one.reads else {}),
            },
            **({"304": {"description": "Nothing has changed since the ETag given."}} if one.reads else {}),
            **{str(status): _problem(meaning) for status, meaning in sorted(_problems(one).items())},
        },
    }
    described = [_parameter(p, "path") for p in one.path_parameters] + [_parameter(p, "query") for p in one.parameters]
    if described:
        made["parameters"] = described
    if one.body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(one.body)}}}
    return made


def _problems(one: Operation) -> dict[int, str]:
    return {**_ALWAYS, **(_OF_BODIES if one.body is not None else {}), **one.problems}


def _problem(meaning: str) -> dict[str, Any]:
    return {"description": meaning, "content": {"application/json": {"schema": _schema(Problem)}}}


def _parameter(parameter: Parameter, where: str) -> dict[str, Any]:
    return {"name": parameter.name, "in": where, "description": parameter.meaning, "schema": dict(parameter.schema),
            **({"required": True} if where == "path" else {})}  # fmt: skip


def _schema(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    return schema


Clock = Callable[[], float]


def routes(watched: ServiceView, access: Access, clock: Clock = time.time) -> list[Route]:
    """Reading and changing need what the settings say."""

    def act(operation: Operation) -> Act:
        def answer(asked: Asked) -> Response:
            path = read_path(asked.request.path_params, operation.path_parameters)
            query = read_query(asked.query, operation.parameters)
            body = None if operation.body is None else read_body(asked.body, operation.body)
            found = operation.act(Call(watched, clock(), access.actor(asked.request), {**query, **path}, body))
            return _answered(asked, found, cached=operation.reads)

        return answer

    def describe(asked: Asked) -> Response:
        return _answered(asked, description(access), cached=True)

    def nowhere(asked: Asked) -> Response:
        raise WrongError(404, "there is nothing here", found=asked.request.scope["path"][:200],
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
        Resource(access, {"GET": recording.download(watched)}, _said).route(BASE + recording.PATH),
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
