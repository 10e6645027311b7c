"""How long each entity has been without a reading: `reading_age`, and how many have none now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from watchdog.readings.fleet import REAL_KINDS, EntityKey, Fleet, Kind
from watchdog.readings.packing import Form, RowIds, RowIdSets, Saved, moved, pack, positions, unpack
from watchdog.readings.poll import Poll
from watchdog.readings.snapshot import Column, Flags, Floats, Reading, Snapshot
from watchdog.readings.vocabulary import Vocabulary

METRIC = "reading_age"


@dataclass(slots=True)
class _Known:
    """The entities of one kind: when they were first listed, and when their newest reading was (NaN: never).

    `silent`: the last poll that was answered for them had no reading of them.
    """

    ids: list[str]
    listed: Floats
    newest: Floats
    silent: Flags

    def align(self, ids: list[str], at: float) -> None:
        if ids is not self.ids and ids != self.ids:
            old, new = positions(self.ids, ids)
            self.listed = moved(self.listed, old, new, len(ids), at)
            self.newest = moved(self.newest, old, new, len(ids), np.nan)
            self.silent = moved(self.silent, old, new, len(ids), False)
        self.ids = ids


class Ages:
    """The time since each entity's newest reading, or since it was first listed if it never had one."""

    def __init__(self) -> None:
        self._known: dict[Kind, _Known] = {
            kind: _Known([], np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.bool_)) for kind in REAL_KINDS
        }
        self._fleet: Fleet | None = None
        self._rosters = RowIdSets()

    def update(self, snapshot: Snapshot, poll: Poll) -> None:
        """Take in what a poll answered."""
        fleet, at = snapshot.fleet, snapshot.at
        answered = poll.answered(fleet)
        for kind, known in self._known.items():
            if fleet is not self._fleet:
                known.align(fleet.table(kind).ids, at)
            if kind is Kind.WATCHDOG:
                known.newest = np.full(len(known.ids), at)  # it reads itself at every poll
            elif kind in answered:
                known.newest = np.fmax(known.newest, np.minimum(answered[kind], at))
                # an outage is no absence: what failed to be answered for stays as it was
                known.silent = np.where(snapshot.unobserved(kind), known.silent, np.isnan(answered[kind]))
        self._fleet = fleet

    def age(self, kind: Kind, at: float) -> Floats:
        """Seconds, for every row of a kind's table as of the last update."""
        known = self._known[kind]
        return np.maximum(at - np.where(np.isnan(known.newest), known.listed, known.newest), 0.0)

    def without_readings(self) -> dict[Kind, int]:
        """How many entities of each kind have no reading, the account and the watchdog left out."""
        kinds = (kind for kind in REAL_KINDS if kind not in (Kind.ACCOUNT, Kind.WATCHDOG))
        return {kind: int(np.count_nonzero(self._known[kind].silent)) for kind in kinds}

    def names_without_readings(self, fleet: Fleet) -> dict[Kind, list[str]]:
        """Who has none, by name; the fleet is that of the last update."""
        return {
            kind: [fleet.table(kind).entities[row].name for row in np.flatnonzero(self._known[kind].silent).tolist()]
            for kind in self.without_readings()
        }

    def missing_share(self) -> float:
        """The largest share of a kind's entities that have no reading, 0 to 1."""
        counts = ((n, len(self._known[kind].ids)) for kind, n in self.without_readings().items())
        return max((n / of for n, of in counts if of), default=0.0)

    def beside(self, snapshot: Snapshot) -> Snapshot:
        """The same snapshot with `reading_age` added for every entity; its fleet is that of the last update."""
        fleet, at = snapshot.fleet, snapshot.at
        # Worked out now: what was seen at this poll must not change with the next.
        ages: dict[Kind, Floats] = {kind: self.age(kind, at) for kind in REAL_KINDS}

        def build(kind: Kind, metric: str) -> Column:
            return Column(ages[kind]) if metric == METRIC else snapshot.column(kind, metric)

        def describe(key: EntityKey) -> list[Reading]:
            row = fleet.table(key.kind).row.get(key)
            rest = [reading for reading in snapshot.readings(key) if reading.metric != METRIC]
            return rest if row is None else [*rest, Reading(METRIC, float(ages[key.kind][row]), at)]

        return Snapshot(
            at,
            fleet,
            build=build,
            describe=describe,
            names=lambda kind: {*snapshot.names(kind), *([METRIC] if len(fleet.table(kind)) else [])},
            unobserved={kind: snapshot.unobserved(kind) for kind in REAL_KINDS},
        )

    # -- what the store keeps

    def saved(self, at: float) -> list[Saved]:
        """The state of every kind; each piece replaces the one before."""
        found = []
        for kind, known in self._known.items():
            if known.ids:
                blob = pack((known.newest, known.listed, known.silent.astype(np.float64)), Vocabulary())
                found.append(Saved(kind, METRIC, at, self._rosters.of(kind, known.ids).id, blob, Form.STATE))
        return found

    def rosters(self) -> list[RowIds]:
        """Whose ages the saved pieces hold."""
        return [self._rosters.of(kind, known.ids) for kind, known in self._known.items() if known.ids]

    def restore(self, rosters: Iterable[RowIds], saved: Iterable[Saved]) -> None:
        """Take back what was saved; what cannot be read is left out."""
        ids = {roster.id: list(roster.ids) for roster in rosters}
        for piece in saved:
            if piece.metric != METRIC or piece.form is not Form.STATE or piece.roster not in ids:
                continue
            try:
                arrays, _ = unpack(piece.blob, Vocabulary(), len(ids[piece.roster]))
            except ValueError:
                continue
            if len(arrays) == 3:
                newest, listed, silent = arrays
                self._known[piece.kind] = _Known(ids[piece.roster], listed, newest, silent > 0)
        self._fleet = None
