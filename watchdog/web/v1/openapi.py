"""The API's description of itself: OpenAPI 3.1, made from the table of operations and the objects' types."""

from __future__ import annotations

from typing import Any

import msgspec

from watchdog import __version__
from watchdog.web.access import Access
from watchdog.web.v1.asking import Parameter
from watchdog.web.v1.objects import Problem
from watchdog.web.v1.operation import Operation
from watchdog.web.v1.operations import OPERATIONS

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


def _operation(one: Operation, access: Access) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": one.id,
        "summary": one.summary,
        "security": [*([{}] if one.reads and access.open_reading else []), {"bearer": []}, {"basic": []}],
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
