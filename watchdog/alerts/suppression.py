"""Suppression: which firing alert keeps another one quiet, along the topology."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchdog.alerts.lifecycle import AlertKey
from watchdog.readings.fleet import EntityKey, Fleet, Kind
from watchdog.rules.rule import Rule
from watchdog.rules.selector import glob

_EVERYWHERE = (Kind.WATCHDOG, Kind.ACCOUNT)
#: Downwards only: a connector's tasks and topics, and the pipelines a connector or transform is in.
_REACH: Mapping[Kind, tuple[str, ...]] = {
    Kind.SOURCE: ("tasks", "topics", "pipelines"),
    Kind.DESTINATION: ("tasks", "topics", "pipelines"),
    Kind.TRANSFORM: ("pipelines",),
}


class Suppression:
    """Who suppresses what, while these alerts are firing."""

    def __init__(self, firing: Iterable[AlertKey], rules: Mapping[str, Rule], fleet: Fleet) -> None:
        self._rules = rules
        self._everywhere: list[AlertKey] = []
        self._at: dict[EntityKey, list[AlertKey]] = {}
        for alert in firing:
            rule = rules.get(alert.rule)
            if rule is None or not rule.suppresses:
                continue
            if alert.kind in _EVERYWHERE:
                self._everywhere.append(alert)
            else:
                for entity in _reached(fleet, alert.entity_key):
                    self._at.setdefault(entity, []).append(alert)

    def of(self, alert: AlertKey) -> AlertKey | None:
        """An alert that suppresses this one, None if nothing does. A rule never suppresses itself."""
        suppressor: AlertKey
        for suppressor in (*self._everywhere, *self._at.get(alert.entity_key, ())):
            patterns = self._rules[suppressor.rule].suppresses
            if suppressor.rule != alert.rule and any(_covers(pattern, alert) for pattern in patterns):
                return suppressor
        return None


def _covers(pattern: str, alert: AlertKey) -> bool:
    # `*` means everything that is watched, not the watchdog's word about itself
    if pattern == "*" and alert.kind is Kind.WATCHDOG:
        return False
    return glob(pattern).match(alert.rule) is not None


def _reached(fleet: Fleet, key: EntityKey) -> Iterable[EntityKey]:
    yield key
    row = fleet.table(key.kind).row.get(key)
    if row is None:
        return
    for relation in _REACH.get(key.kind, ()):
        edges = fleet.edges(key.kind, relation)
        if edges is not None:
            children = fleet.table(edges.child).entities
            yield from (children[child].key for child in edges.children[edges.parents == row])
