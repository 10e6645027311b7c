"""The topology: every pipeline as a row from source through transforms to destination, and what stands alone.

What depends on the listing alone is worked out once per listing; states, lags and lines only for rows that are shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from watchdog.alerts.episodes import Episode
from watchdog.notify.routes import text_of
from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.web.connector_states import States, tone_of_state

_ORDER = (Kind.SOURCE, Kind.TRANSFORM, Kind.DESTINATION)
_SEVERITY_RANK = {"critical": 0, "warning": 1, "info": 2}
#: What rows can be filtered by.
TONES = {
    "firing": "firing now",
    "trouble": "in a bad state",
    "paused": "paused or stopped",
    "unknown": "without a state",
    "fine": "fine",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A pipeline with its members, or a connector or transform that is in none. `text` is what a search looks in."""

    key: EntityKey
    name: str
    members: tuple[EntityKey, ...]
    kinds: frozenset[Kind]
    tags: frozenset[str]
    text: str

    def holds(self, entity: EntityKey) -> bool:
        return entity == self.key or entity in self.members


@dataclass(frozen=True, slots=True)
class Filter:
    """What somebody looks for; "" for anything. `tone` is one of TONES."""

    text: str = ""
    tone: str = ""
    kind: str = ""
    tag: str = ""

    def __bool__(self) -> bool:
        return any((self.text, self.tone, self.kind, self.tag))


@dataclass(frozen=True)
class Topology:
    """The rows of one fleet. `of` holds, per connector, transform and pipeline, the rows it belongs to."""

    fleet: Fleet
    rows: Sequence[Row]
    of: Mapping[EntityKey, Sequence[Row]]
    tags: Sequence[str] = field(default=())

    @classmethod
    def build(cls, fleet: Fleet) -> Topology:
        rows = [_pipeline(fleet, one) for one in fleet.table(Kind.PIPELINE).entities]
        within = {member for row in rows for member in row.members}
        rows += [
            _row(entity, entity.name, (entity.key,), [entity])
            for kind in _ORDER
            for entity in fleet.table(kind).entities
            if entity.key not in within
        ]
        rows.sort(key=lambda row: (row.name.casefold(), row.key))
        of: dict[EntityKey, list[Row]] = defaultdict(list)
        for row in rows:
            for key in {row.key, *row.members}:
                of[key].append(row)
        return cls(fleet, rows, dict(of), sorted({tag for row in rows for tag in row.tags}))

    def rows_of(self, episode: Episode) -> Sequence[Row]:
        """The rows an alert is about: those of its entity, of its connector for a task or topic."""
        found = self._place(episode)
        return [] if found is None else self.of.get(found, [])

    def troubled(self, firing: Iterable[Episode]) -> dict[EntityKey, list[Episode]]:
        """What fires, by the row's key."""
        found: dict[EntityKey, list[Episode]] = defaultdict(list)
        for episode in firing:
            for row in self.rows_of(episode):
                found[row.key].append(episode)
        return dict(found)

    def chosen(self, what: Filter, states: States, troubled: Mapping[EntityKey, Sequence[Episode]]) -> list[Row]:
        """The rows that match a filter: the most urgent alert first, then bad states, then by name."""
        words = what.text.casefold().split()
        found = [
            row
            for row in self.rows
            if all(word in row.text for word in words)
            and (not what.tag or what.tag in row.tags)
            and (not what.kind or what.kind == row.key.kind or what.kind in row.kinds)
        ]
        tones = {row.key: tone_of(row, states, troubled) for row in found}
        if what.tone:
            found = [row for row in found if tones[row.key] == what.tone]
        ranks = {tone: rank for rank, tone in enumerate(TONES)}
        worst = {key: min(map(urgency, episodes)) for key, episodes in troubled.items() if episodes}
        return sorted(found, key=lambda row: (ranks[tones[row.key]], worst.get(row.key, ()), row.name.casefold()))

    def _place(self, episode: Episode) -> EntityKey | None:
        key = episode.alert.entity_key
        if key.kind in (Kind.TASK, Kind.TOPIC):
            entity = self.fleet.entity(key)
            return None if entity is None else entity.connector
        return key


def tone_of(row: Row, states: States, troubled: Mapping[EntityKey, Sequence[Episode]]) -> str:
    """The worst of a row: firing, trouble, paused, unknown, fine."""
    if troubled.get(row.key):
        return "firing"
    tones = {tone_of_state(states.of(member)) for member in row.members}
    if any(map(states.has_failed_task, row.members)):
        tones.add("trouble")
    own = tone_of_state(states.of(row.key))
    if own != "unknown":  # a pipeline without a word of its own is as its parts are
        tones.add(own)
    return next((tone for tone in TONES if tone in tones), "unknown")


def _pipeline(fleet: Fleet, pipeline: Entity) -> Row:
    members = sorted(pipeline.members, key=lambda key: _ORDER.index(key.kind))
    known = [entity for entity in map(fleet.entity, members) if entity is not None]
    return _row(pipeline, pipeline.name, tuple(entity.key for entity in known), [pipeline, *known])


def _row(entity: Entity, name: str, members: tuple[EntityKey, ...], parts: Sequence[Entity]) -> Row:
    tags = frozenset(tag for part in parts for tag in part.labels.get("tags", ()))
    words = {part.name for part in parts} | {part.key.id for part in parts} | tags
    words |= {str(part.labels.get("connector", "")) for part in parts}
    kinds = frozenset(part.key.kind for part in parts)
    return Row(entity.key, name, members, kinds, tags, "\n".join(sorted(words)).casefold())


def urgency(episode: Episode) -> tuple[bool, bool, int, float]:
    """Sort key of firing episodes: not acknowledged first, then by severity, then the oldest. Silenced and suppressed
    ones come last."""
    rank = _SEVERITY_RANK.get(text_of(episode.facts.labels.get("severity", "warning")), 1)
    return bool(episode.hold), episode.acknowledgement is not None, rank, episode.began
