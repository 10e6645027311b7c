"""What programs for Alertmanager count on in its API's answers: the facts of today's contract, in schemas of our own.

Debian ships the description of an older Alertmanager in a Go package; where that is there, it is a second opinion.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft4Validator, FormatChecker

Schema = dict[str, Any]
PACKAGE = "golang-github-prometheus-alertmanager-dev"
_SPEC = "usr/share/gocode/src/github.com/prometheus/alertmanager/api/v2/restapi/embedded_spec.go"


def _object(**required: Schema) -> Schema:
    return {"type": "object", "required": sorted(required), "properties": required}


def _list(of: Schema, **more: object) -> Schema:
    return {"type": "array", "items": of, **more}


_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_TEXTS: Schema = {"type": "object", "additionalProperties": _TEXT}
_NAMED = _object(name=_TEXT)
_ALERT = _object(
    labels=_TEXTS, annotations=_TEXTS, receivers=_list(_NAMED), fingerprint=_TEXT, startsAt=_INSTANT, updatedAt=_INSTANT,
    endsAt=_INSTANT, generatorURL={"type": "string", "format": "uri"},
    status=_object(state={"enum": ["unprocessed", "active", "suppressed"]}, silencedBy=_list(_TEXT),
                   inhibitedBy=_list(_TEXT), mutedBy=_list(_TEXT)),
)  # fmt: skip
_SILENCE = _object(
    id=_TEXT, status=_object(state={"enum": ["expired", "active", "pending"]}), updatedAt=_INSTANT, annotations=_TEXTS,
    matchers=_list(_object(name=_TEXT, value=_TEXT, isRegex=_FLAG, isEqual=_FLAG), minItems=1), startsAt=_INSTANT,
    endsAt=_INSTANT, createdBy=_TEXT, comment=_TEXT,
)  # fmt: skip
ANSWERS: dict[str, Schema] = {
    "status": _object(
        cluster=_object(status={"enum": ["ready", "settling", "disabled"]}),
        versionInfo=_object(version=_TEXT, revision=_TEXT, branch=_TEXT, buildUser=_TEXT, buildDate=_TEXT, goVersion=_TEXT),
        config=_object(original=_TEXT),
        uptime=_INSTANT,
    ),
    "receivers": _list(_NAMED),
    "alerts": _list(_ALERT, minItems=1),
    "alerts/groups": _list(
        _object(labels=_TEXTS, routeLabels=_TEXTS, receiver=_NAMED, alerts=_list(_ALERT, minItems=1)), minItems=1
    ),
    "silences": _list(_SILENCE, minItems=1),
    "silence/{silenceID}": _SILENCE,
}


_FORMATS = FormatChecker(("date-time", "uuid"))


@_FORMATS.checks("uri")
def _is_uri(text: object) -> bool:
    return bool(urlsplit(str(text)).scheme and urlsplit(str(text)).netloc)


def complaints(schema: Schema, answer: object) -> list[str]:
    """What is wrong with an answer, formats included."""
    found = Draft4Validator(schema, format_checker=_FORMATS).iter_errors(answer)
    return [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in found]


def debian() -> Schema | None:
    """The description in Debian's package, installed or unpacked into the environment; None where it is not there."""
    for root in (Path("/"), Path(sys.prefix) / "alertmanager"):
        file = root / _SPEC
        if file.is_file():
            begin = "SwaggerJSON = json.RawMessage([]byte(`"
            text = file.read_text("utf-8").split(begin, 1)[1].split("`))", 1)[0]
            return dict(json.loads(text))
    return None


def described(spec: Schema, path: str) -> Schema:
    """What a description says of a path's answer."""
    found = spec["paths"][f"/{path}"]["get"]["responses"]["200"]["schema"]
    return {"definitions": spec["definitions"], **found}
