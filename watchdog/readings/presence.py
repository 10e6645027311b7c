"""Who exists: listings come and go, and an entity is gone only when three complete ones in a row did without it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.readings.poll import Listing

#: So many complete listings in a row, spanning at least so many seconds, have to miss an entity.
MISSING_LISTINGS = 3
MISSING_FOR = 60.0


@dataclass(frozen=True, slots=True)
class Absence:
    """How many complete listings in a row an entity was missing from, and when the first of them was."""

    listings: int
    since: float


@dataclass(frozen=True)
class Presence:
    """The fleet of now and what has been missing from it.

    `unseen`: entities that are known from before the start, and that no listing has shown nor disproved since.
    """

    fleet: Fleet
    absences: Mapping[EntityKey, Absence] = field(default_factory=dict)
    unseen: frozenset[EntityKey] = frozenset()

    @classmethod
    def of(
        cls,
        fixed: Iterable[Entity],
        at: float,
        unseen: Iterable[EntityKey] = (),
        absences: Mapping[EntityKey, Absence] | None = None,
    ) -> Presence:
        """At a start. `fixed` entities (the watchdog itself) are never listed and never missing."""
        fleet = Fleet.of(fixed, at)
        return cls(fleet, dict(absences or {}), frozenset(key for key in unseen if fleet.entity(key) is None))

    def after(self, listing: Listing | None, now: float) -> tuple[Presence, frozenset[EntityKey]]:
        """The presence after a poll's listing, and the entities that no longer exist.

        Only kinds in `listing.complete` prove that something is missing; what they list is added at once.
        """
        if listing is None:
            return self, frozenset()
        listed = {entity.key: entity for entity in listing.entities}
        known = {entity.key: entity for entity in self._known()}
        absences = dict(self.absences)
        gone = set()
        for key in (*known, *self.unseen):
            if key in listed:
                absences.pop(key, None)
            elif key.kind in listing.complete and key.kind is not Kind.WATCHDOG:
                before = absences.get(key, Absence(0, now))
                absence = absences[key] = Absence(before.listings + 1, before.since)
                if absence.listings >= MISSING_LISTINGS and now - absence.since >= MISSING_FOR:
                    gone.add(key)
                    del absences[key]
        entities = [entity for key, entity in known.items() if key not in listed and key not in gone]
        entities += listed.values()
        unseen = self.unseen - listed.keys() - gone
        if self._unchanged(entities):
            return Presence(self.fleet, absences, unseen), frozenset(gone)
        return Presence(Fleet.of(entities, now, self.fleet.version + 1), absences, unseen), frozenset(gone)

    def _known(self) -> Iterable[Entity]:
        return (entity for kind, table in self.fleet.tables.items() if kind is not Kind.CONNECTOR
                for entity in table.entities)  # fmt: skip

    def _unchanged(self, entities: list[Entity]) -> bool:
        return len(entities) == sum(1 for _ in self._known()) and all(
            self.fleet.entity(entity.key) == entity for entity in entities
        )
