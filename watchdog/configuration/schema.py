"""JSON Schema of rule files, for editors: completes keys, explains them, marks most mistakes while they are typed."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from watchdog.readings.fleet import LABELS, Kind
from watchdog.rules.expressions.names import FUNCTIONS, KEYWORDS, RELATIONS
from watchdog.rules.rule import NoData, Severity

Schema = dict[str, Any]

_EVERY_LABEL = sorted({name for names in LABELS.values() for name in names})
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_GLOBS: Schema = {
    "description": "A glob (* and ?), or several; one beginning with ! must not match.",
    "anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}],
}
_NAMES: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
_NAME = "^[A-Za-z_][A-Za-z0-9_]*$"
#: At least one count, then as many units as in falling order.
_DURATION = "^0$|^(?=.)" + "".join(rf"([0-9]+(\.[0-9]+)?{unit})?" for unit in ("d", "h", "m", "s", "ms")) + "$"
_DAYS = "(mon|tue|wed|thu|fri|sat|sun)"
_CLOCK = "([01]?[0-9]|2[0-3]):[0-5][0-9]\\s*-\\s*(([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)"
_DATE = "([0-9]{4}-)?[0-9]{2}-[0-9]{2}"
_TIME = {
    "type": "string",
    "pattern": rf"^\s*(({_DAYS}(-{_DAYS})?(,{_DAYS}(-{_DAYS})?)*\s+)?{_CLOCK}"
    rf"|{_DATE}(\.\.{_DATE})?(\s+{_CLOCK})?)\s*$",
}
_MOMENT = rf"^\s*({_DAYS}(-{_DAYS})?(,{_DAYS}(-{_DAYS})?)*\s+)?([01]?[0-9]|2[0-3]):[0-5][0-9]\s*$"
_TARGET = {"type": "string", "pattern": r"://|\$\{"}


def schema() -> Schema:
    """The schema (draft 2020-12) of one rule file."""
    defaults = {**_terms(), "annotations": _annotations(), "flapping": _flapping()}
    receivers = {"description": "Receivers, by name.", "additionalProperties": _receiver()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "watchdog rule file",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            "defaults": {**_object("For every rule of this file.", defaults, without=("params",)), **_OR_NOTHING},
            "rules": _list("What is wrong: each is judged for every entity of its kind at every poll.", _rule()),
            "receivers": {**receivers, **_OR_NOTHING},
            "routes": _list("Who is notified of what. The first match wins; the last has no where.", _route()),
            "mutes": _list("Recurring quiet times.", _mute()),
            "reports": _list("Which alerts were worth a page, sent at fixed times.", _report()),
        },
    }


#: A key may be left without a value, as when everything below it is commented out.
_OR_NOTHING: Schema = {"type": ["object", "null"]}


def _object(
    description: str, properties: Schema, *, required: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> Schema:
    kept = {name: value for name, value in properties.items() if name not in without}
    found: Schema = {"description": description, "type": "object", "properties": kept, "additionalProperties": False}
    return {**found, "required": list(required)} if required else found


def _list(description: str, items: Schema) -> Schema:
    return {"description": description, "type": ["array", "null"], "items": items}


def _duration(description: str, default: str = "", example: str = "5m") -> Schema:
    found: Schema = {
        "description": f"{description} 500ms, 30s, 5m, 1h30m, 2d.",
        "anyOf": [{"type": "string", "pattern": _DURATION}, {"const": 0}],
        "examples": [example],
    }
    return {**found, "default": default} if default else found


def _flag(description: str, default: bool) -> Schema:
    return {"description": description, "type": "boolean", "default": default}


def _words(description: str, among: Iterable[StrEnum], default: StrEnum | None = None) -> Schema:
    found: Schema = {"description": description, "enum": [str(one) for one in among]}
    return found if default is None else {**found, "default": str(default)}


def _terms() -> Schema:
    taken = sorted({*KEYWORDS, *FUNCTIONS, *RELATIONS, *_EVERY_LABEL})
    return {
        "params": {
            "description": "Usable in expr and clear, and as params.x in texts: numbers, durations, sizes, texts.",
            "additionalProperties": _SCALAR,
            "propertyNames": {"pattern": _NAME, "not": {"enum": taken}},
            "examples": [{"limit": "5m"}],
            **_OR_NOTHING,
        },
        "for": _duration("How long it has to be true before anybody hears.", "0s"),
        "keep_firing_for": _duration("How long it has to be false before it resolves.", "0s"),
        "severity": _words("How bad it is; routes usually look at it.", Severity, Severity.WARNING),
        "no_data": _words("What an unknown result counts as: keep what it was, alert (true), or ok (false).", NoData,
                          NoData.KEEP),
        "labels": {
            "description": "Added to the alert; routes and mutes can match them, group_by can name them.",
            "additionalProperties": _SCALAR,
            "propertyNames": {"pattern": _NAME, "not": {"enum": ["alertname", "severity", "flapping"]}},
            "examples": [{"team": "data-platform"}],
            **_OR_NOTHING,
        },
        "enabled": _flag("Whether it is judged at all.", True),
    }  # fmt: skip


def _annotations() -> Schema:
    text = {**_SCALAR, "maxLength": 4096}
    names = "{{ name }}, {{ value | duration }}, {{ reason }}, {{ params.x }}, {{ readings.metric }}, {{ since | ago }}"
    return {
        "description": f"Texts of messages, in Jinja2 without loops: {names}.",
        "properties": {
            "summary": {**text, "description": "One line: what is wrong."},
            "description": {**text, "description": "What it means and what to do."},
            "runbook_url": {**_SCALAR, "description": "Where the way out is written down; taken as it is."},
        },
        "additionalProperties": _SCALAR,
        **_OR_NOTHING,
    }


def _flapping() -> Schema:
    changes = {"description": "So many beginnings and ends.", "type": "integer", "minimum": 2, "default": 6}
    within = _duration("In so long.", "1h", "1h")
    return {
        "description": "When it is held firing because it keeps changing; off for never.",
        "anyOf": [
            {"const": "off"},
            _object("changes and within", {"changes": changes, "within": within}),
            {"type": "null"},
        ],
        "default": {"changes": 6, "within": "1h"},
    }


def _where(labels: Iterable[str] = (), *, others: bool = False) -> Schema:
    """`others`: labels that rules add may be named too."""
    found: Schema = {"description": "Labels and globs; it matches where all of them do.", **_OR_NOTHING}
    found["properties"] = dict.fromkeys(labels, _GLOBS)
    return {**found, "additionalProperties": _GLOBS if others else False}


def _rule() -> Schema:
    override = _object(
        "Terms for some of the entities.", {"where": _where(_EVERY_LABEL), **_terms()}, required=("where",)
    )
    functions = ", ".join(FUNCTIONS.values())
    rule = _object(
        "One rule.",
        {
            "alert": {"type": "string", "description": "Its name, unique over all files.",
                      "pattern": "^[A-Za-z_][A-Za-z0-9_:.-]*$"},
            "each": _words("What it is judged for: one alert an entity.", Kind),
            "where": _where(_EVERY_LABEL),
            "expr": {"type": ["string", "boolean"], "minLength": 1, "examples": ["recordsLag > 10000"],
                     "description": f"What is wrong, over the newest readings. Functions: {functions}."},
            "clear": {"type": ["string", "boolean"], "minLength": 1, "examples": ["recordsLag < 5000"],
                      "description": "Once firing, it ends only when this holds."},
            "overrides": _list("The first whose where matches an entity wins; what it does not name stays.", override),
            "flapping": _flapping(),
            "annotations": _annotations(),
            "suppresses": {"type": "array", "items": {"type": "string"},
                           "description": "Rules that are not notified while this one fires (globs)."},
            **_terms(),
        },
        required=("alert", "each", "expr"),
    )  # fmt: skip
    return {**rule, "allOf": [_of_kind(kind) for kind in Kind]}


def _of_kind(kind: Kind) -> Schema:
    """What may be selected by, and may not be overwritten, depends on `each`."""
    selected = {"where": {"propertyNames": {"enum": list(LABELS[kind])}}}
    added = {"labels": {"propertyNames": {"not": {"enum": list(LABELS[kind])}}}}
    return {
        "if": {"properties": {"each": {"const": str(kind)}}, "required": ["each"]},
        "then": {"properties": {**selected, **added, "overrides": {"items": {"properties": {**selected, **added}}}}},
    }


def _receiver() -> Schema:
    return _object(
        "Targets that are notified together.",
        {
            "to": {
                "description": "apprise URLs; ${NAME} is expanded, ${NAME:-} leaves the target out while it is unset.",
                "anyOf": [_TARGET, {"type": "array", "items": _TARGET, "minItems": 1}],
                "examples": [["${SLACK_URL}"]],
            },
            "fallback": {"type": "string", "description": "The receiver notified when this one cannot be reached."},
            "send_resolved": _flag("Whether resolved alerts are notified.", True),
        },
        required=("to",),
    )


def _route() -> Schema:
    receivers = {**_NAMES, "description": "Receivers, by name."}
    after = _duration("So long after the first accepted delivery.", example="15m")
    step = _object("Further receivers.", {"after": after, "to": receivers}, required=("after", "to"))
    group_by = {"type": "array", "items": {"type": "string"}, "default": ["alertname"]}
    return _object(
        "Where alerts go.",
        {
            "where": _where([*_EVERY_LABEL, "alertname", "severity"], others=True),
            "to": receivers,
            "continue": _flag("Whether the routes below are looked at too.", False),
            "group_by": {**group_by, "description": "Alerts with equal labels make one message; [] for all together."},
            "group_wait": _duration("How long a new group waits for more.", "30s", "30s"),
            "group_interval": _duration("How long at least between messages of one group.", "5m"),
            "repeat_interval": _duration("When a reminder is sent if nothing changes; 0s for never.", "4h", "4h"),
            "escalate": _list("Further receivers, unless it is acknowledged or resolved.", step),
            **_schedule("The route counts only then; always without it.", "mon-fri 09:00-18:00"),
        },
        required=("to",),
    )


def _mute() -> Schema:
    made = _object(
        "A recurring quiet time.",
        {
            "name": {**_SCALAR, "description": "What it is called in messages and on pages."},
            "where": _where([*_EVERY_LABEL, "alertname", "severity"], others=True),
            **_schedule("When it is quiet.", "mon-fri 22:00-06:00"),
            "ics": {
                "type": "string",
                "description": "Instead of times: an iCalendar file, from this file's folder on, or an https URL.",
                "examples": ["maintenance.ics"],
            },
        },
        required=("name", "where"),
    )
    return {**made, "oneOf": [{"required": ["times"]}, {"required": ["ics"]}]}


def _report() -> Schema:
    at = {"type": "string", "pattern": _MOMENT, "description": "[days] HH:MM.", "examples": ["mon 09:00"]}
    return _object(
        "A report at fixed times.",
        {
            "to": {**_NAMES, "description": "Receivers, by name. PagerDuty's targets get none."},
            "at": at,
            "timezone": _timezone("Of its time, its days and nights"),
            "since": _duration("How far it looks back.", "7d", "30d"),
        },
        required=("to", "at"),
    )


def _timezone(what: str) -> Schema:
    return {"type": "string", "description": f"{what}, e.g. Europe/Paris.", "default": "UTC"}


def _schedule(what: str, example: str) -> dict[str, Schema]:
    form = "[days or dates] HH:MM-HH:MM, e.g. mon-fri 22:00-06:00; it may pass midnight. Or whole days: 12-24..12-26."
    return {
        "times": {
            "description": f"{what} {form}",
            "anyOf": [_TIME, {"type": "array", "items": _TIME, "minItems": 1}],
            "examples": [[example]],
        },
        "timezone": _timezone("Of its times"),
    }
