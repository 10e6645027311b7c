"""States of connectors, transforms and pipelines at one poll, as the API says them, and how they look."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from watchdog.readings.fleet import EntityKey, Kind
from watchdog.readings.snapshot import Snapshot

_STATES = {
    Kind.SOURCE: ("connector_status",),
    Kind.DESTINATION: ("connector_status",),
    Kind.TRANSFORM: ("transform_status", "status"),
    Kind.PIPELINE: ("pipeline_status", "status"),
}
#: States that nobody has to look at.
_FINE = {"active", "running", "connected", "completed", "finished", "ok"}
_RESTING = {"paused", "stopped"}
_BAD = {"broken", "failed", "error", "failing"}
_TASK_STATE = "task_status"


class States:
    """The state of every connector, transform and pipeline at one poll, looked up as needed."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._columns: dict[Kind, list[str]] = {}

    def of(self, key: EntityKey) -> str:
        """As the API says it; "" where it says nothing, "not observed" where a request failed."""
        row = self._snapshot.fleet.table(key.kind).row.get(key)
        if row is None:
            return ""
        if key.kind not in self._columns:
            self._columns[key.kind] = self._column(key.kind)
        return self._columns[key.kind][row]

    def has_failed_task(self, key: EntityKey) -> bool:
        return key in self._failed

    def failed_tasks(self, key: EntityKey) -> str:
        """`1 of 3 tasks FAILED` of a connector; "" where none has."""
        failed = self._failed.get(key, 0)
        edges = self._snapshot.fleet.edges(key.kind, "tasks") if failed else None
        if edges is None:
            return ""
        tasks = int(np.count_nonzero(edges.parents == self._snapshot.fleet.table(key.kind).row[key]))
        return f"{failed} of {tasks} task{'s' if tasks != 1 else ''} FAILED"

    @cached_property
    def _failed(self) -> dict[EntityKey, int]:
        """How many tasks have failed, by connector."""
        texts = self._snapshot.column(Kind.TASK, _TASK_STATE).texts
        found: dict[EntityKey, int] = {}
        if texts is None:
            return found
        entities = self._snapshot.fleet.table(Kind.TASK).entities
        for row, text in enumerate(texts.tolist()):
            if text is not None and text != "RUNNING" and text.casefold() in _BAD:
                connector = entities[row].connector
                if connector is not None:
                    found[connector] = found.get(connector, 0) + 1
        return found

    def _column(self, kind: Kind) -> list[str]:
        found = [""] * len(self._snapshot.fleet.table(kind))
        for metric in reversed(_STATES[kind]):
            texts = self._snapshot.column(kind, metric).texts
            if texts is not None:
                found = [text or before for text, before in zip(texts.tolist(), found, strict=True)]
        for row in np.flatnonzero(self._snapshot.unobserved(kind)):
            found[row] = "not observed"
        return found


def tone_of_state(state: str) -> str:
    """How a state looks: fine, paused, trouble, unknown."""
    folded = state.casefold()
    if folded in _FINE:
        return "fine"
    if folded in _RESTING:
        return "paused"
    return "trouble" if folded in _BAD else "unknown"
