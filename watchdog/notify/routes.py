"""Receivers and routes: which receivers an alert's labels lead to, and in which group there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2s

from watchdog.readings.fleet import LabelValue
from watchdog.rules.selector import Selector


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """One URL of a receiver. It *is* its receiver and its URL before expansion, so a rotated secret changes nothing."""

    receiver: str
    template: str  #: as written, variables unexpanded

    @property
    def id(self) -> str:
        return "t-" + blake2s(f"{self.receiver}\0{self.template}".encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Receiver:
    """People who are told together. `targets` are those whose variables are set (or need none)."""

    name: str
    targets: tuple[TargetSpec, ...]
    fallback: str | None = None
    send_resolved: bool = True


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told as well when nobody has acknowledged for `after` seconds since the first accepted delivery."""

    after: float
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """Where alerts go whose labels match; `index` is its place in the file order."""

    to: tuple[str, ...]
    where: Selector = field(default_factory=Selector)
    continue_: bool = False
    group_by: tuple[str, ...] = ("alertname",)
    group_wait: float = 30.0
    group_interval: float = 300.0
    repeat_interval: float = 14400.0
    escalate: tuple[Escalation, ...] = ()
    index: int = 0


@dataclass(frozen=True, slots=True)
class GroupKey:
    """A group is a receiver and the values of its route's `group_by` labels."""

    receiver: str
    labels: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        inside = ", ".join(f"{name}={value}" for name, value in self.labels)
        return f"{self.receiver}{{{inside}}}"


def text_of(value: LabelValue) -> str:
    """A label as one text: a list is its sorted values as `,a,b,`."""
    return value if isinstance(value, str) else f",{','.join(sorted(value))}," if value else ""


def group_of(receiver: str, route: Route, labels: Mapping[str, LabelValue]) -> GroupKey:
    return GroupKey(receiver, tuple((name, text_of(labels.get(name, ""))) for name in route.group_by))


def routes_for(labels: Mapping[str, LabelValue], routes: Sequence[Route]) -> list[tuple[str, Route]]:
    """The receivers of an alert, each with the route that named it first."""
    found: dict[str, Route] = {}
    for route in routes:
        if route.where.matches(labels):
            for receiver in route.to:
                found.setdefault(receiver, route)
            if not route.continue_:
                break
    return list(found.items())
