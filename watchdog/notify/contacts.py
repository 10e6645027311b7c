"""Contacts: the receivers and routes in force, and which targets there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2s

from watchdog.alerts.life import AlertKey
from watchdog.notify.routes import GroupKey, Receiver, Route, TargetSpec, group_of, routes_for
from watchdog.readings.fleet import LabelValue


@dataclass(frozen=True)
class Contacts:
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

    def groups_for(self, labels: Mapping[str, LabelValue]) -> list[tuple[GroupKey, Route]]:
        """The groups an alert with these labels belongs to, one per receiver."""
        return [(group_of(receiver, route, labels), route) for receiver, route in routes_for(labels, self.routes)]

    @cached_property
    def _targets(self) -> Mapping[str, tuple[str, ...]]:
        return {name: tuple(spec.id for spec in one.targets) for name, one in self.receivers.items()}


def incident_key(alert: AlertKey) -> str:
    """PagerDuty's key of one alert: rule, kind and id, so that it survives edits, restarts and a lost database."""
    return "wd-" + blake2s(f"{alert.rule}\0{alert.kind}\0{alert.entity}".encode(), digest_size=16).hexdigest()


def burst_key(group: GroupKey, at: float) -> str:
    """The one incident of a flush that begins too many alerts to open one for each."""
    return "wd-burst-" + blake2s(f"{group}\0{at!r}".encode(), digest_size=16).hexdigest()
