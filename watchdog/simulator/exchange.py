"""One request and one answer, free of sockets: what arrived, what is sent back, and an early end with an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from watchdog.simulator.faults import error_body


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived; `body` is its JSON, or None; `at` is the clock's instant."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    authorized: bool = False
    at: float = 0.0

    @classmethod
    def parse(cls, method: str, target: str, content: bytes, authorized: bool, at: float) -> Asked:
        path, _, query = target.partition("?")
        found: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            # Lists may come as a,b or as a parameter said twice.
            found[name] = f"{found[name]},{value}" if name in found and name.endswith("ids") else value
        try:
            body = msgspec.json.decode(content) if content.strip() else None
        except msgspec.DecodeError:
            body = None
        return cls(method, path.rstrip("/") or "/", found, body, authorized, at)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and content type."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def error(status: int, detail: str | None = None, form: str | None = None) -> Answer:
    """An error in the form the API gives it."""
    body, content_type = error_body(status, form, detail)
    return Answer(status, body, content_type)


class RefusedError(Exception):
    """Ends a request with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer
