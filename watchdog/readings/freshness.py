"""Which readings count: stale ones, "no reading" values and ones older than the newest known are dropped."""

from __future__ import annotations

import numpy as np

from watchdog.readings.catalogue import CATALOGUE, STALE_AFTER
from watchdog.readings.fleet import REAL_KINDS, EntityKey, Fleet, Kind
from watchdog.readings.packing import moved, positions
from watchdog.readings.snapshot import Column, Flags, Floats, Reading, Snapshot, Texts


class Newest:
    """When the newest reading of each entity was, by metric: of what every poll is asked for.

    A metric is known here from its first column with timestamps on; where the API gives none there is nothing to tell.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Kind, str], Floats] = {}
        self._fleet: Fleet | None = None

    def among(self, snapshot: Snapshot) -> Snapshot:
        """The same snapshot without readings that are older than those of the polls before."""
        self._follow(snapshot.fleet)
        known = self._known  # as of now: pages ask from threads of their own, also after the next poll

        def build(kind: Kind, metric: str) -> Column:
            return _without_older(snapshot.column(kind, metric), known.get((kind, metric)), snapshot.at)

        def describe(key: EntityKey) -> list[Reading]:
            row = snapshot.fleet.table(key.kind).row.get(key)
            if row is None:
                return snapshot.readings(key)
            newest = {metric: times[row] for (kind, metric), times in known.items() if kind is key.kind}
            return [one for one in snapshot.readings(key) if one.at >= newest.get(one.metric, -np.inf)]

        dark: dict[Kind, Flags] = {kind: snapshot.unobserved(kind) for kind in REAL_KINDS}
        return Snapshot(
            snapshot.at, snapshot.fleet, build=build, describe=describe, names=snapshot.names, unobserved=dark
        )

    def note(self, snapshot: Snapshot) -> None:
        """Remember the instants of all that a snapshot from `among` was asked for, and of nothing else."""
        known: dict[tuple[Kind, str], Floats] = {}
        for (kind, metric), column in snapshot.built().items():
            before = self._known.get((kind, metric))
            if kind is Kind.CONNECTOR or (before is None and column.times is None):
                continue
            when = snapshot.at if column.times is None else column.times
            if before is None:
                before = np.full(len(column.numbers), -np.inf)
            known[kind, metric] = np.where(column.present, when, before)
        self._known = known

    def _follow(self, fleet: Fleet) -> None:
        if self._fleet is not None and fleet is not self._fleet:
            known = dict(self._known)
            for (kind, metric), newest in self._known.items():
                old, new = self._fleet.table(kind).ids, fleet.table(kind).ids
                if old != new:
                    known[kind, metric] = moved(newest, *positions(old, new), len(new), -np.inf)
            self._known = known
        self._fleet = fleet


def _without_older(column: Column, newest: Floats | None, at: float) -> Column:
    if newest is None:
        return column
    older = np.asarray((at if column.times is None else column.times) < newest)
    if not older.any():
        return column
    texts = None if column.texts is None else without(column.texts, older)
    return Column(np.where(older, np.nan, column.numbers), texts, column.times)


def fresh(column: Column, metric: str, at: float) -> Column:
    """The column without readings that are stale at `at`, and without the metric's "no reading" value.

    Instants later than `at` become `at`.
    """
    known = CATALOGUE.get(metric)
    numbers, texts, times = column.numbers, column.texts, column.times
    if known is not None and known.nothing is not None:
        gone = numbers == known.nothing
        if gone.any():
            numbers = np.where(gone, np.nan, numbers)
    if times is not None:
        times = np.minimum(times, at)
        stale = at - times > (known.stale_after if known else STALE_AFTER)
        if stale.any():
            numbers = np.where(stale, np.nan, numbers)
            texts = None if texts is None else without(texts, stale)
    return Column(numbers, texts, times)


def fresh_value(value: float | str | None, metric: str, read_at: float, at: float) -> float | str | None:
    """The same for one reading."""
    known = CATALOGUE.get(metric)
    if known is not None and known.nothing is not None and value == known.nothing:
        return None
    return None if at - read_at > (known.stale_after if known else STALE_AFTER) else value


def without(texts: Texts, gone: Flags) -> Texts:
    """The texts with nothing where `gone`."""
    kept = texts.copy()
    kept[gone] = None
    return kept
