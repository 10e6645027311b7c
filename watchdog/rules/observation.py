"""Which rows were answered for: a failed request leaves entities, and whoever reads through them, in the dark."""

from __future__ import annotations

import numpy as np

from watchdog.readings.fleet import Kind
from watchdog.readings.snapshot import Flags, Snapshot

#: Through whom something is read, from the entity on: () for itself, ("connectors", "tasks").
Path = tuple[str, ...]


class Observed:
    """What one snapshot was answered for; worked out once for all rules that read through the same relatives."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._dark: dict[tuple[Kind, Path], Flags] = {}
        self._rows: dict[tuple[Kind, frozenset[Path]], Flags] = {}

    def rows(self, kind: Kind, paths: frozenset[Path]) -> Flags:
        """Per row: everything that is read through these paths was answered for. Shared, so not to be changed."""
        found = self._rows.get((kind, paths))
        if found is None:
            dark = np.zeros(len(self._snapshot.fleet.table(kind)), dtype=np.bool_)
            for path in paths:
                dark |= self._in_the_dark(kind, path)
            found = self._rows[kind, paths] = ~dark
        return found

    def _in_the_dark(self, kind: Kind, path: Path) -> Flags:
        found = self._dark.get((kind, path))
        if found is None:
            found = self._dark[kind, path] = self._unobserved(kind, path)
        return found

    def _unobserved(self, kind: Kind, path: Path) -> Flags:
        if not path:
            return self._snapshot.unobserved(kind)
        fleet = self._snapshot.fleet
        edges = fleet.edges(kind, path[0])
        assert edges is not None, path
        dark = np.zeros(len(fleet.table(kind)), dtype=np.bool_)
        below = self._in_the_dark(edges.child, path[1:])
        if below.any():
            dark[edges.parents[below[edges.children]]] = True
        return dark
