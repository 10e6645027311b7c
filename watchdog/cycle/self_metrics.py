"""The watchdog's readings of itself: its polls, rules and deliveries, and which rules never match anything."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace

from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Kind
from watchdog.readings.poll import Failures
from watchdog.readings.snapshot import Flags, Snapshot, SparseReadings
from watchdog.rules.verdicts import UNKNOWN, Verdicts

#: Seconds after which a silent rule is said to never match.
NEVER_AFTER = 3600.0


class RuleActivity:
    """When each enabled rule last knew an answer for any entity, or was first judged."""

    def __init__(self) -> None:
        self._known_at: dict[str, float] = {}

    def observe(self, evaluation: Iterable[Verdicts], now: float, *, good: bool) -> None:
        """After a poll; one with failed requests (`good` False) is not held against any rule."""
        for verdicts in evaluation:
            name = verdicts.rule.name
            if not any(terms.enabled for terms in verdicts.rule.variants):
                self._known_at.pop(name, None)
            elif not good or (verdicts.observed & (verdicts.truth != UNKNOWN)).any():
                self._known_at[name] = now
            else:
                self._known_at.setdefault(name, now)

    def keep(self, names: Container[str]) -> None:
        """Forget rules that are no longer configured."""
        self._known_at = {name: at for name, at in self._known_at.items() if name in names}

    def never(self, now: float) -> list[str]:
        return sorted(name for name, at in self._known_at.items() if now - at >= NEVER_AFTER)


WATCHDOG = EntityKey(Kind.WATCHDOG, "watchdog")


def watchdog_entity(name: str) -> Entity:
    """The one entity of this database; `name` is for display only."""
    return Entity(WATCHDOG, {"kind": "watchdog", "name": name}, lists=frozenset())


@dataclass(frozen=True, slots=True)
class Health:
    """How the polls have gone. Saved, so that a restart in an outage neither opens nor closes anything.

    `last_success` is the last poll without a failed request (the start, before there was one).
    """

    last_success: float
    poll_failures: int = 0
    auth_failures: int = 0

    def after(self, failures: Failures, now: float) -> Health:
        if not failures:
            return Health(now)
        auth = self.auth_failures + 1 if failures.refused else 0
        return replace(self, poll_failures=self.poll_failures + 1, auth_failures=auth)


def beside(snapshot: Snapshot, own: Mapping[str, float]) -> Snapshot:
    """The same snapshot with the watchdog's own readings, which no outage of the API touches."""
    readings = SparseReadings()
    for metric, value in own.items():
        readings.put(WATCHDOG, metric, value, snapshot.at)
    mine = readings.snapshot(snapshot.at, snapshot.fleet)
    dark: dict[Kind, Flags] = {kind: snapshot.unobserved(kind) for kind in REAL_KINDS if kind is not Kind.WATCHDOG}
    return Snapshot(
        snapshot.at,
        snapshot.fleet,
        build=lambda kind, metric: (mine if kind is Kind.WATCHDOG else snapshot).column(kind, metric),
        describe=lambda key: (mine if key.kind is Kind.WATCHDOG else snapshot).readings(key),
        names=lambda kind: (mine if kind is Kind.WATCHDOG else snapshot).names(kind),
        unobserved=dark,
    )
