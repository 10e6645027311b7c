"""Answers of the API: JSON to values, and everything that is not an answer to an error that says why."""

from __future__ import annotations

import email.utils
import json
import math
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from watchdog.errors import ApiError, ShapeError
from watchdog.streamkap.wire import Answer

_TRANSIENT = {408, 425, 429, 502, 503, 504}
#: The API answers 500 while Kafka Connect is rebalancing or slow; these texts in its detail tell.
_TRANSIENT_DETAIL = re.compile(
    r"KafkaConnectTimeout|request timed out|timed out on all nodes|rebalance is expected"
    r"|Kafka Connect API call failed with status code (404|409)",
    re.IGNORECASE,
)
_MAX_DETAIL = 200
_decode = msgspec.json.Decoder().decode


def document(what: str, answer: Answer) -> Any:
    """The JSON value of a 2xx answer. Of duplicate keys the last counts. Raises ShapeError."""
    if not answer.body.strip():
        raise _shape(what, "the answer is empty", answer)
    try:
        return _decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        # Slower, but forgives what must not cost a whole answer: numbers beyond 64 bits, NaN, lone surrogates.
        return _printable(json.loads(answer.body, parse_int=_integer))
    except (ValueError, RecursionError) as error:
        kind = "an HTML page" if _is_html(answer) else "no JSON, or cut short"
        raise _shape(what, f"the answer is {kind}", answer) from error


def error_of(what: str, answer: Answer, secrets: Iterable[str] = ()) -> ApiError:
    """What an answer outside 2xx means: its status, its detail, whether the same request may succeed soon."""
    detail = _detail(answer)
    for secret in secrets:
        detail = detail.replace(secret, "•••") if secret else detail
    if len(detail) > _MAX_DETAIL:
        detail = detail[: _MAX_DETAIL - 1] + "…"
    transient = answer.status in _TRANSIENT or (answer.status == 500 and bool(_TRANSIENT_DETAIL.search(detail)))
    return ApiError(
        f"{what}: {answer.status}{': ' + detail if detail else ''}{_id(answer)}",
        status=answer.status,
        request_id=answer.request_id,
        retry_after=_retry_after(answer),
        transient=transient,
    )


def _shape(what: str, why: str, answer: Answer) -> ShapeError:
    return ShapeError(f"{what}: {why}{_id(answer)}", status=answer.status, request_id=answer.request_id)


def _id(answer: Answer) -> str:
    return f" (request id {answer.request_id[:100]})" if answer.request_id else ""


def _is_html(answer: Answer) -> bool:
    return "html" in answer.headers.get("content-type", "") or answer.body.lstrip()[:1] == b"<"


def _detail(answer: Answer) -> str:
    """The API's own words: a text, FastAPI's list of mistakes (their places and messages only), or an object."""
    if _is_html(answer):
        return "an HTML page"
    try:
        found = json.loads(answer.body[: 2**16])
    except (ValueError, RecursionError):
        return "no JSON" if answer.body.strip() else "an empty answer"
    if isinstance(found, dict):
        found = next((found[key] for key in ("detail", "message", "error", "msg") if found.get(key)), "")
    if isinstance(found, list):
        # `input` of a mistake repeats what was sent, which may be the secret.
        return "; ".join(
            f"{'.'.join(map(str, item.get('loc') or ()))}: {item.get('msg', '')}"
            for item in found
            if isinstance(item, dict) and isinstance(item.get("loc") or (), list | tuple)
        )
    if isinstance(found, dict):
        named = next((found[key] for key in ("message", "detail", "error", "msg") if found.get(key)), "")
        found = named or ", ".join(map(str, found))
    return " ".join(str(found).split())


def _retry_after(answer: Answer) -> float | None:
    """Seconds the API asks for. Dates are taken relative to the answer's own date, so that clocks need not agree."""
    text = answer.headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            then = email.utils.parsedate_to_datetime(text)
            sent = email.utils.parsedate_to_datetime(answer.headers.get("date", ""))
            seconds = (then - sent).total_seconds()
        except (TypeError, ValueError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _integer(digits: str) -> float | int:
    return int(digits) if len(digits) < 400 else math.inf


def _printable(value: Any) -> Any:
    """Without lone surrogates, which no file and no database takes."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    return value
