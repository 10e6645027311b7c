"""Receivers and routes: which receivers an alert's labels lead to, in which group, and which targets there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2s

from watchdog.alerts.lifecycle import AlertKey
from watchdog.alerts.mutes import Schedule
from watchdog.readings.fleet import LabelValue
from watchdog.rules.selector import Selector


@dataclass(frozen=True)
class Routing:
    """Who can be told. `pagerduty` holds the ids of targets that keep incidents, one per alert."""

    receivers: Mapping[str, Receiver] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    pagerduty: frozenset[str] = frozenset()

    @cached_property
    def specs(self) -> Mapping[str, TargetSpec]:
        """Every target by its id."""
        return {spec.id: spec for receiver in self.receivers.values() for spec in receiver.targets}

    def targets(self, receiver: str) -> tuple[str, ...]:
        """Ids of a receiver's targets; none for a receiver that does not exist."""
        return self._targets.get(receiver, ())

    def fallback_of(self, receiver: str) -> str | None:
        found = self.receivers.get(receiver)
        return None if found is None else found.fallback

    def sends_resolved(self, receiver: str) -> bool:
        found = self.receivers.get(receiver)
        return found is None or found.send_resolved

    def at(self, now: float) -> tuple[Route, ...]:
        """The routes that count at one instant."""
        return tuple(route for route in self.routes if route.schedule.active(now))

    def groups_for(self, labels: Mapping[str, LabelValue], now: float) -> list[tuple[GroupKey, Route]]:
        """The groups an alert with these labels belongs to, one per receiver."""
        return groups_for(labels, self.at(now))

    @cached_property
    def _targets(self) -> Mapping[str, tuple[str, ...]]:
        return {name: tuple(spec.id for spec in one.targets) for name, one in self.receivers.items()}


def incident_key(alert: AlertKey) -> str:
    """PagerDuty's key of one alert: rule, kind and id, so that it survives edits, restarts and a lost database."""
    return "wd-" + blake2s(f"{alert.rule}\0{alert.kind}\0{alert.entity}".encode(), digest_size=16).hexdigest()


def burst_key(group: GroupKey, at: float) -> str:
    """The one incident of a flush that begins too many alerts to open one for each."""
    return "wd-burst-" + blake2s(f"{group}\0{at!r}".encode(), digest_size=16).hexdigest()


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
    """Where alerts go whose labels match while its schedule is on; `index` is its place in the file order."""

    to: tuple[str, ...]
    where: Selector = field(default_factory=Selector)
    continue_: bool = False
    group_by: tuple[str, ...] = ("alertname",)
    group_wait: float = 30.0
    group_interval: float = 300.0
    repeat_interval: float = 14400.0
    escalate: tuple[Escalation, ...] = ()
    index: int = 0
    schedule: Schedule = field(default_factory=Schedule)
    place: str = ""  #: file:line:column, for people


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


def groups_for(labels: Mapping[str, LabelValue], routes: Sequence[Route]) -> list[tuple[GroupKey, Route]]:
    """The groups of an alert, one per receiver."""
    return [(group_of(receiver, route, labels), route) for receiver, route in routes_for(labels, routes)]


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
