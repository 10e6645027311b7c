"""What can go wrong with a request: which requests, when, how often, and how."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

import msgspec


class Kind(StrEnum):
    """How a request goes wrong."""

    STATUS = "status"  #: an answer with `status` and a body of the form `body`
    SLOW = "slow"  #: the honest answer after `delay` seconds
    DRIP = "drip"  #: the honest answer, a byte every `delay` seconds
    HANG = "hang"  #: no answer at all
    RESET = "reset"  #: the connection is reset before the answer
    TRUNCATE = "truncate"  #: the connection ends in the middle of the body
    ENORMOUS = "enormous"  #: the honest answer behind `size` bytes of white space
    EMPTY = "empty"  #: 200 without a body
    CONTENT_TYPE = "content_type"  #: the honest answer, called text/plain
    MALFORMED = "malformed"  #: 200 with JSON that ends too early, or with the text `detail`
    HTML = "html"  #: 200 with the page of a load balancer
    MISSING = "missing"  #: 200 without the entities of `ids` (names do too); without every second one if it is empty
    REDIRECT = "redirect"  #: 307 to the same path below `location`


#: Forms of an error's body.
BODIES = ("string", "list", "dict", "html", "empty")

_DETAIL = {
    400: "Invalid parameters",
    401: "Unauthorized",
    403: "Forbidden: missing permission",
    404: "Metrics not found",
    429: "Too many requests",
    500: "KafkaConnectTimeout: request timed out",
}
_TITLE = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}


@dataclass(slots=True, eq=False)
class Fault:
    """One fault. `path` and `method` are globs; `times` counts requests; it holds in [at, until) of the world."""

    path: str = "*"
    kind: Kind = Kind.STATUS
    method: str = "*"
    at: float = -math.inf
    until: float = math.inf
    times: float = math.inf
    after: int = 0  #: so many matching requests go well first
    status: int = 503
    detail: str | None = None
    body: str | None = None
    retry_after: str | None = None
    delay: float = 0.1
    size: int = 64 * 2**20
    location: str = "http://elsewhere.invalid/"
    ids: tuple[str, ...] = ()
    hits: int = field(default=0)  #: requests that went wrong so far

    def __post_init__(self) -> None:
        self.kind = Kind(self.kind)
        if self.body is not None and self.body not in BODIES:
            raise ValueError(f"{self.body!r} is not a form of an error's body; write {', '.join(BODIES)}")

    def matches(self, method: str, path: str, at: float) -> bool:
        return self.at <= at < self.until and fnmatchcase(method, self.method) and fnmatchcase(path, self.path)


class Faults:
    """The faults in force; the first that matches a request decides it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        with self._lock:
            self._faults = [known for known in self._faults if known is not fault]

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def hit(self, method: str, path: str) -> Fault | None:
        """The fault that befalls this request, counted."""
        at = self._clock()
        with self._lock:
            for fault in self._faults:
                if not fault.matches(method, path, at):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                elif fault.hits < fault.times:
                    fault.hits += 1
                    return fault
        return None


def error_body(status: int, form: str | None = None, detail: str | None = None) -> tuple[bytes, str]:
    """Body and content type of an error in one of the documented forms; by default the one this status comes with."""
    form = form or {422: "list", 502: "html", 503: "html", 504: "html"}.get(status, "string")
    text = detail if detail is not None else _DETAIL.get(status, "unexpected error")
    if form == "empty":
        return b"", "application/json"
    if form == "html":
        title = f"{status} {_TITLE.get(status, 'Error')}"
        page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        return f"{page}<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n".encode(), "text/html"
    value: Any = text
    if form == "list":
        message = detail or "value is not a valid integer"
        value = [{"loc": ["query", "page_size"], "msg": message, "type": "int_parsing"}]
    elif form == "dict":
        value = {"message": text, "code": status}
    return msgspec.json.encode({"detail": value}), "application/json"
