"""JSON Schema of rule files, for editors: completes keys, explains them, marks most mistakes while they are typed."""

from __future__ import annotations

from typing import Any

from watchdog.readings.fleet import LABELS, Kind
from watchdog.rules.rule import NoData, Severity

Schema = dict[str, Any]

_DURATION: Schema = {
    "description": "500ms, 30s, 5m, 1h30m, 2d",
    "anyOf": [
        {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$|^0$"},
        {"const": 0},
    ],
}
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_TEXTS: Schema = {"type": "object", "additionalProperties": _SCALAR}
_GLOBS: Schema = {
    "description": "A glob (* and ?), or several; one beginning with ! must not match.",
    "anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}],
}
_NAMES: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}


def schema() -> Schema:
    """The schema (draft 2020-12) of one rule file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "watchdog rule file",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            "defaults": _object("For every rule of this file.", {**_terms(), "annotations": _annotations(),
                                                                  "flapping": _flapping()}, without=("params",)),
            "rules": {"type": "array", "items": _rule()},
            "receivers": {"type": "object", "additionalProperties": _receiver()},
            "routes": {"description": "The first that matches wins.", "type": "array", "items": _route()},
            "mutes": {"description": "Recurring quiet times.", "type": "array", "items": _mute()},
        },
    }  # fmt: skip


def _object(
    description: str, properties: Schema, *, required: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> Schema:
    kept = {name: value for name, value in properties.items() if name not in without}
    found: Schema = {"description": description, "type": "object", "properties": kept, "additionalProperties": False}
    return {**found, "required": list(required)} if required else found


def _terms() -> Schema:
    return {
        "params": {"description": "Names usable in expr and clear.", "type": "object", "additionalProperties": _SCALAR},
        "for": {**_DURATION, "description": "How long it has to be true before anybody hears."},
        "keep_firing_for": {**_DURATION, "description": "How long it has to be false before it is over."},
        "severity": {"description": "How bad it is.", "enum": [str(one) for one in Severity]},
        "no_data": {"description": "What an unknown result counts as.", "enum": [str(one) for one in NoData]},
        "labels": {**_TEXTS, "description": "Added to the alert; routes can match them."},
        "enabled": {"type": "boolean"},
    }


def _annotations() -> Schema:
    return {
        "description": "Texts of messages, in Jinja2.",
        "type": "object",
        "properties": {
            "summary": {"type": "string", "maxLength": 4096, "description": "One line: what is wrong."},
            "description": {"type": "string", "maxLength": 4096, "description": "What it means and what to do."},
            "runbook_url": {"type": "string"},
        },
        "additionalProperties": _SCALAR,
    }


def _flapping() -> Schema:
    changes = {"type": "integer", "minimum": 2}
    return {
        "description": "When it is held firing because it keeps changing; off for never.",
        "anyOf": [{"const": "off"}, _object("", {"changes": changes, "within": _DURATION})],
    }


def _where(labels: list[str] | None = None) -> Schema:
    found: Schema = {"description": "Labels and globs.", "type": "object", "additionalProperties": _GLOBS}
    return found if labels is None else {**found, "properties": dict.fromkeys(labels, _GLOBS)}


def _rule() -> Schema:
    every = sorted({name for names in LABELS.values() for name in names})
    override = _object("Terms for some of the entities.", {"where": _where(every), **_terms()}, required=("where",))
    return _object(
        "One rule.",
        {
            "alert": {"type": "string", "description": "Its name, unique over all files.",
                      "pattern": "^[A-Za-z_][A-Za-z0-9_:.-]*$"},
            "each": {"description": "What it is judged for.", "enum": [str(kind) for kind in Kind]},
            "where": _where(every),
            "expr": {"type": ["string", "boolean"], "description": "What is wrong, e.g. recordsLag > 10000"},
            "clear": {"type": ["string", "boolean"], "description": "Once firing, it ends only when this holds."},
            "overrides": {"type": "array", "items": override},
            "flapping": _flapping(),
            "annotations": _annotations(),
            "suppresses": {"type": "array", "items": {"type": "string"},
                           "description": "Rules that are not told while this one fires (globs)."},
            **_terms(),
        },
        required=("alert", "each", "expr"),
    )  # fmt: skip


def _receiver() -> Schema:
    return _object(
        "People who are told together.",
        {
            "to": {**_NAMES, "description": "apprise URLs; ${NAME} is expanded, ${NAME:-} leaves the target out."},
            "fallback": {"type": "string", "description": "Who is told when this receiver cannot be reached."},
            "send_resolved": {"type": "boolean"},
        },
        required=("to",),
    )


def _route() -> Schema:
    step = _object("", {"after": _DURATION, "to": _NAMES}, required=("after", "to"))
    return _object(
        "Where alerts go.",
        {
            "where": _where(),
            "to": _NAMES,
            "continue": {"type": "boolean"},
            "group_by": {"type": "array", "items": {"type": "string"}},
            "group_wait": _DURATION,
            "group_interval": _DURATION,
            "repeat_interval": _DURATION,
            "escalate": {"type": "array", "items": step},
        },
        required=("to",),
    )


def _mute() -> Schema:
    return _object(
        "A recurring quiet time.",
        {
            "name": {"type": "string"},
            "where": _where(),
            "times": {**_NAMES, "description": "[days] HH:MM-HH:MM, e.g. mon-fri 22:00-06:00"},
            "timezone": {"type": "string", "description": "e.g. Europe/Paris; UTC by default."},
        },
        required=("name", "where", "times"),
    )
