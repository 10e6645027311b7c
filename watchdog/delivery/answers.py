"""Answers: what a send that failed means, and whether another try can help.

| what happened                                             | permanent | unknown |
|-----------------------------------------------------------|-----------|---------|
| 4xx except 408 and 429, a login or recipient refused (5xx of SMTP) | yes | no |
| 408, 429, 5xx, 4xx of SMTP; no connection, reset, closed  | no        | no      |
| no answer in time after the message may have left         | no        | yes     |
| anything else                                             | no        | no      |
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus

from urllib3.exceptions import NameResolutionError

from watchdog.delivery.cutting import cut, one_line
from watchdog.delivery.flights import Answer, Flight, Stage
from watchdog.delivery.secrets import Secrets
from watchdog.errors import DeliveryError

_TRANSIENT_REFUSALS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
#: Slack's own errors arrive with status 200; these pass by themselves, every other is a fault of the set-up.
_SLACK_PASSES = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
     "message_limit_exceeded", "accesslimited"}
)  # fmt: skip
#: What an SMTP server said, inside the text of smtplib's exceptions: (535, b'5.7.8 …') or, from apprise, 550 b'…'.
_SMTP_REPLY = re.compile(r"\b([245]\d\d),? b(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")")
_SHOWN = 200


def failure_of(flight: Flight, label: str, secrets: Secrets) -> DeliveryError:
    """The error of a flight that did not arrive; its text is scrubbed and says what the target answered."""
    permanent, unknown, what = _meaning(flight)
    asked = [answer.retry_after for answer in flight.answers if _failed(answer) and answer.retry_after is not None]
    text = cut(one_line(secrets.scrub(what)), 400)
    return DeliveryError(
        f"{label}: {text}", permanent=permanent, unknown=unknown, retry_after=max(asked) if asked else None
    )


def _meaning(flight: Flight) -> tuple[bool, bool, str]:
    refused = [answer for answer in flight.answers if _failed(answer)]
    if flight.given_up:
        return _given_up(flight)
    if refused:
        # several targets in one URL: as long as one of them may still take it, trying again can help
        passing = [answer for answer in refused if not _is_permanent(answer)]
        shown = (passing or refused)[-1]
        return not passing, False, f"answered {_status(shown)}{_said(flight)}"
    if replies := _smtp_replies(flight):
        permanent = all(code >= 500 for code, _ in replies)
        code, said = replies[-1]
        return permanent, False, f"refused {_smtp_step(code)}: {code} {said}"
    if isinstance(flight.broke, TimeoutError) or "timed out" in _trouble(flight):
        if flight.stage is Stage.LEFT:
            return False, True, "no answer in time; it may have taken the message"
        return False, False, "no connection in time"
    if _trouble(flight) or flight.broke is not None:
        return False, flight.stage is Stage.LEFT and bool(flight.answers), _connection(flight)
    if flight.answers:
        error = _slack_error(flight)
        return bool(error) and error not in _SLACK_PASSES, False, f"answered {_status(flight.answers[-1])}{_said(flight)}"
    return False, False, flight.warnings[-1] if flight.warnings else "apprise did not deliver it and does not say why"


def _given_up(flight: Flight) -> tuple[bool, bool, str]:
    if flight.stage is Stage.CONNECTING:
        return False, False, "no connection in time"
    return False, True, "no answer in time; it may have taken the message"


def _failed(answer: Answer) -> bool:
    return not 200 <= answer.status < 300


def _is_permanent(answer: Answer) -> bool:
    return 400 <= answer.status < 500 and answer.status not in _TRANSIENT_REFUSALS


def _status(answer: Answer) -> str:
    try:
        words = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        words = str(answer.status)
    return f"{words}, a redirect, which is not followed" if 300 <= answer.status < 400 else words


def _said(flight: Flight) -> str:
    said = one_line(flight.bodies[-1]) if flight.bodies else ""
    return f": {cut(said, _SHOWN)}" if said else ""


def _slack_error(flight: Flight) -> str:
    """The `error` of a Slack API answer, which comes with status 200; "" for anything else."""
    try:
        answer = json.loads(flight.bodies[-1]) if flight.bodies else None
    except ValueError:
        return ""
    if not isinstance(answer, dict) or answer.get("ok") is not False:
        return ""
    return str(answer.get("error", ""))


def _smtp_replies(flight: Flight) -> list[tuple[int, str]]:
    found = [reply for text in (*flight.troubles, *flight.warnings) for reply in _SMTP_REPLY.finditer(text)]
    return [(int(reply[1]), (reply[2] or reply[3] or "").replace("\\n", " ")) for reply in found]


def _smtp_step(code: int) -> str:
    return "the login" if code in (530, 534, 535, 538) else "the message or its recipient" if code >= 500 else "it for now"


def _trouble(flight: Flight) -> str:
    return flight.troubles[-1] if flight.troubles else ""


def _connection(flight: Flight) -> str:
    """What broke, in words that hold no URL: those of urllib3 hold the path, which is a webhook's password."""
    cause = flight.broke
    root = cause
    while root is not None and (root.__cause__ or root.__context__) is not None:
        root = root.__cause__ or root.__context__
    if cause is None:
        return f"the connection failed: {_trouble(flight)}"
    if isinstance(cause, NameResolutionError):
        return "its name cannot be resolved"
    if isinstance(cause, OSError) and root is not cause and isinstance(root, OSError):
        cause = root
    if isinstance(root, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(root, ConnectionResetError):
        return "the connection was reset or closed before an answer came"
    return f"the connection failed: {getattr(root, 'strerror', None) or root or type(root).__name__}"
