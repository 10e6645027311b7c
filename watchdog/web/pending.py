"""What is true but does not fire yet: pending alerts, and when each can fire at the earliest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from watchdog.alerts.life import AlertKey, AlertState
from watchdog.cycle.judged import Judged
from watchdog.web.moments import Moment, moment


@dataclass(frozen=True, slots=True)
class PendingView:
    """`fires`: after which instant a true poll makes it fire; None where its rule was not judged."""

    alert: str
    kind: str
    entity: str
    since: Moment
    fires: Moment | None


def pending_views(states: Mapping[AlertKey, AlertState], judged: Judged | None, now: float) -> list[PendingView]:
    """The next to fire first."""
    return sorted(_views(states, judged, now), key=lambda one: (one.fires or one.since).machine)


def _views(states: Mapping[AlertKey, AlertState], judged: Judged | None, now: float) -> Iterable[PendingView]:
    for key, state in states.items():
        since = now if state.since is None else state.since
        wait = None if judged is None else _wait(key, judged)
        entity = None if judged is None else judged.snapshot.fleet.entity(key.entity_key)
        yield PendingView(key.rule, str(key.kind), key.entity if entity is None else entity.name, moment(since, now),
                          None if wait is None else moment(since + wait, now))  # fmt: skip


def _wait(key: AlertKey, judged: Judged) -> float | None:
    """The rule's `for` on this entity."""
    verdicts = judged.verdicts.get(key.rule)
    row = None if verdicts is None else verdicts.table.row.get(key.entity_key)
    if verdicts is None or row is None:
        return None
    at = int(verdicts.rows.searchsorted(row))
    if at >= len(verdicts.rows) or verdicts.rows[at] != row:
        return None
    return verdicts.rule.variants[int(verdicts.variant[at])].for_
