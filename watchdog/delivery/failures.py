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
import socket
import ssl
from collections.abc import Iterator
from http import HTTPStatus

from watchdog.delivery.attempts import Answer, Attempt, Stage
from watchdog.errors import DeliveryError
from watchdog.notify.truncation import cut, one_line

_TRANSIENT_REFUSALS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
#: Slack's API answers errors with status 200. These pass by themselves, every other is a fault of the set-up:
#: https://docs.slack.dev/reference/methods/chat.postMessage#errors
_SLACK_PASSES = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
     "message_limit_exceeded", "accesslimited"}
)  # fmt: skip
#: What an SMTP server said, inside the text of smtplib's exceptions: (535, b'5.7.8 …') or, from apprise, 550 b'…'.
_SMTP_REPLY = re.compile(r"\b([45]\d\d),? b(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")")
#: Replies to AUTH: RFC 4954, section 6.
_SMTP_LOGIN = frozenset({530, 534, 535, 538})
_SHOWN = 200
_NO_CONNECTION = "no connection in time"
_NO_ANSWER = "no answer in time; it may have taken the message"


def failure_of(attempt: Attempt, kind: str) -> DeliveryError:
    """The error of a flight that did not arrive; `kind` is that of its target. Its text says what the target answered
    and is not scrubbed yet."""
    permanent, unknown, what = _meaning(attempt, kind)
    asked = [answer.retry_after for answer in attempt.answers if _failed(answer) and answer.retry_after is not None]
    longest = max(asked) if asked else None
    return DeliveryError(one_line(what), permanent=permanent, unknown=unknown, retry_after=longest)


def _meaning(attempt: Attempt, kind: str) -> tuple[bool, bool, str]:
    """Whether it is permanent, whether it is unknown, and what happened in words."""
    if attempt.given_up:
        connected = attempt.stage is not Stage.CONNECTING
        return False, connected, _NO_ANSWER if connected else _NO_CONNECTION
    if refused := [answer for answer in attempt.answers if _failed(answer)]:
        # several recipients in one URL: as long as one of them may still take it, trying again can help
        passing = [answer for answer in refused if not _is_permanent(answer)]
        return not passing, False, f"answered {_status((passing or refused)[-1])}{_said(attempt)}"
    if replies := _smtp_replies(attempt):
        code, said = replies[-1]
        return all(code >= 500 for code, _ in replies), False, f"refused {_smtp_what(code)}: {code} {said}"
    if attempt.broke is not None:
        if any(isinstance(cause, TimeoutError) for cause in _causes(attempt.broke)):
            left = attempt.stage is Stage.LEFT
            return False, left, _NO_ANSWER if left else _NO_CONNECTION
        return False, False, f"{'its proxy: ' if attempt.at_the_proxy else ''}{_in_words(attempt.broke)}"
    if attempt.troubles:
        return False, False, f"the connection failed: {attempt.troubles[-1]}"
    if attempt.answers:
        error = slack_error(attempt) if kind == "slack" else ""
        what = f"answered {_status(attempt.answers[-1])}{_said(attempt)}"
        return bool(error) and error not in _SLACK_PASSES, False, what
    return False, False, attempt.warnings[-1] if attempt.warnings else "apprise did not deliver it and does not say why"


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


def _said(attempt: Attempt) -> str:
    said = one_line(attempt.bodies[-1]) if attempt.bodies else ""
    return f": {cut(said, _SHOWN)}" if said else ""


def slack_error(attempt: Attempt) -> str:
    """The `error` of a Slack API answer; "" for anything else."""
    try:
        answer = json.loads(attempt.bodies[-1]) if attempt.bodies else None
    except ValueError:
        return ""
    return str(answer.get("error", "")) if isinstance(answer, dict) and answer.get("ok") is False else ""


def _smtp_replies(attempt: Attempt) -> list[tuple[int, str]]:
    found = [reply for text in (*attempt.troubles, *attempt.warnings) for reply in _SMTP_REPLY.finditer(text)]
    return [(int(reply[1]), (reply[2] or reply[3] or "").replace("\\n", " ")) for reply in found]


def _smtp_what(code: int) -> str:
    if code in _SMTP_LOGIN:
        return "the login"
    return "the message or its recipient" if code >= 500 else "it for now"


def _in_words(broke: BaseException) -> str:
    """What broke. Not in urllib3's words: they hold the path, which is the password of most webhooks."""
    for cause in _causes(broke):
        if isinstance(cause, socket.gaierror):
            return "its name cannot be resolved"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection was refused"
        if isinstance(cause, ConnectionResetError):
            return "the connection was reset or closed before an answer came"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate was refused: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return f"TLS failed: {cause.reason.replace('_', ' ').lower()}"
    *_, root = _causes(broke)
    return f"the connection failed: {getattr(root, 'strerror', None) or root or type(root).__name__}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what led to it, down to the first."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
