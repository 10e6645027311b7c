"""Parameters of a request, read as the API reads them: what cannot be read ends the request with 422 or 400."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import msgspec

from watchdog.simulator.exchange import Answer, Asked, RefusedError, error

_MAX_POINTS = 2000
_SECONDS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0, "month": 2592000.0}
_TIME_TYPES = ("timeseries", "latest", "timesummary")


@dataclass(frozen=True, slots=True)
class Range:
    """Which instants of the clock a metrics request is about; one, unless it asks for a series."""

    instants: tuple[float, ...]
    series: bool


class Parameters:
    """Readers of one request's query and body."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked

    def range(self) -> Range:
        kind = self.choice("time_type", _TIME_TYPES) or "latest"
        if kind != "timeseries":
            return Range((self.asked.at,), False)
        until = self.instant("timestamp_to", self.asked.at)
        since = self.instant("timestamp_from", until - 86_400)
        unit = self.choice("time_unit", tuple(_SECONDS))
        step = (self.whole("time_interval", 1) or 1) * _SECONDS[unit or "minute"]
        if since > until:
            refuse(400, "timestamp_from is after timestamp_to")
        until = min(until, self.asked.at)
        if (until - since) / step > _MAX_POINTS and unit is None:
            step = (until - since) / _MAX_POINTS
        count = math.floor((until - since) / step)
        if count > 20 * _MAX_POINTS:
            refuse(400, "too many points; choose a longer time_interval")
        return Range(tuple(until - step * back for back in range(count, -1, -1)), True)

    def csv(self, name: str) -> list[str]:
        return texts(self.asked.query.get(name))

    def choice(self, name: str, among: Sequence[str]) -> str | None:
        value = self.asked.query.get(name)
        if value and value not in among:
            self._mistake(name, f"Input should be {', '.join(map(repr, among))}", "enum")
        return value or None

    def whole(self, name: str, otherwise: int | None, *, least: int = 0, most: int | None = None) -> int | None:
        text = self.asked.query.get(name)
        if text is None or text == "":
            return otherwise
        try:
            value = int(text)
        except ValueError:
            self._mistake(name, "Input should be a valid integer, unable to parse string as an integer", "int_parsing")
        if value < least:
            self._mistake(name, f"Input should be greater than or equal to {least}", "greater_than_equal")
        if most is not None and value > most:
            self._mistake(name, f"Input should be less than or equal to {most}", "less_than_equal")
        return value

    def instant(self, name: str, otherwise: float) -> float:
        text = self.asked.query.get(name)
        if not text:
            return otherwise
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            refuse(400, f"{name} is not an ISO 8601 instant")
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()

    def fields(self, *names: str) -> Mapping[str, Any]:
        body = self.asked.body
        for name in names:
            if not isinstance(body, dict) or not isinstance(body.get(name), str):
                self._mistake(name, "Field required", "missing", place="body")
        return body  # type: ignore[no-any-return]

    def _mistake(self, name: str, message: str, kind: str, place: str = "query") -> NoReturn:
        found = {"type": kind, "loc": [place, name], "msg": message, "input": self.asked.query.get(name)}
        raise RefusedError(Answer(422, msgspec.json.encode({"detail": [found]})))


def refuse(status: int, detail: str) -> NoReturn:
    """Ends the request with an error."""
    raise RefusedError(error(status, detail))


def texts(value: object) -> list[str]:
    """A list, or a text with commas; blanks are none."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return [str(part).strip() for part in parts if str(part).strip()]
