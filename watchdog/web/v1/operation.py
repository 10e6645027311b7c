"""An operation of the API: everything that routing it, checking it and describing it need to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from watchdog.store.audit import Actor
from watchdog.web.resource import WrongError
from watchdog.web.v1.parameters import Parameter
from watchdog.web.view import ServiceView


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and checked: `given` has the value of every parameter, `body` is of the operation's type."""

    watched: ServiceView
    now: float
    actor: Actor
    given: Mapping[str, Any]
    body: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` is below `/api/watchdog/v1`, its parameters in braces. `act` makes the object it answers with, or raises
    WrongError with one of `problems`, which says when."""

    id: str
    method: str
    path: str
    summary: str
    answer: Any
    act: Callable[[Call], Any]
    path_parameters: tuple[Parameter, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Any = None
    problems: Mapping[int, str] = field(default_factory=dict)

    @property
    def reads(self) -> bool:
        return self.method == "GET"


def not_found(what: str, found: str) -> WrongError:
    return WrongError(404, f"there is no {what} '{found}'", found=found)
