"""One poll of the API as everything above meets it: what was listed, what was read, and what stayed in the dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from watchdog.readings.fleet import Fleet, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import Flags, Floats, Snapshot
from watchdog.streamkap.decode import Layers, newest_readings


@dataclass(frozen=True, slots=True)
class Darkness:
    """Whose answer failed, of one kind. `all` where nothing is known, not even who exists.

    `known` are those that were asked for: nobody asked for an entity outside, so nothing can be said about it either.
    """

    ids: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    all: bool = False

    def __contains__(self, id: str) -> bool:
        return self.all or id in self.ids or id not in self.known

    def flags(self, ids: Sequence[str]) -> Flags:
        """Per id, whether it is in the dark; quick where nobody is."""
        if not self.all and not self.ids and self.known.issuperset(ids):
            return np.zeros(len(ids), dtype=np.bool_)
        return np.fromiter((id in self for id in ids), dtype=np.bool_, count=len(ids))


@dataclass(frozen=True, slots=True)
class StreamkapPoll:
    """What one poll of the API brought; see watchdog.readings.poll.Poll."""

    at: float
    layers: Layers
    dark: Mapping[Kind, Darkness]
    listing: Listing | None = None
    failures: Failures = field(default_factory=Failures)
    account_dark: bool = False

    def snapshot(self, fleet: Fleet) -> Snapshot:
        """This poll's readings in the rows of a fleet."""
        return self.layers.snapshot(fleet, self._unobserved(fleet))

    def answered(self, fleet: Fleet) -> dict[Kind, Floats]:
        """Per row the instant of its newest reading in this poll, NaN where it had none.

        What a listing told does not count for sources, destinations and pipelines.
        """
        real = (kind for kind in fleet.tables if kind not in (Kind.CONNECTOR, Kind.WATCHDOG))
        return {kind: newest_readings(self.layers, fleet, kind) for kind in real}

    def _unobserved(self, fleet: Fleet) -> dict[Kind, Flags]:
        flags = {kind: dark.flags(fleet.table(kind).ids) for kind, dark in self.dark.items()}
        connectors = np.concatenate([flags[Kind.SOURCE], flags[Kind.DESTINATION]])
        for kind in (Kind.TASK, Kind.TOPIC):
            flags[kind] = np.zeros(len(fleet.table(kind)), dtype=np.bool_)
            edges = fleet.edges(kind, "connector")
            if edges is not None and connectors.any():
                flags[kind][edges.parents] = connectors[edges.children]
        flags[Kind.ACCOUNT] = np.full(len(fleet.table(Kind.ACCOUNT)), self.account_dark, dtype=np.bool_)
        return flags
