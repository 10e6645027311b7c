"""What metrics answers hold, once it is known whose it is: by group, entity by entity."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain
from typing import Any

from msgspec import UNSET, UnsetType

from watchdog.readings.poll import Dropped
from watchdog.streamkap.known_shape import Block, Metrics
from watchdog.streamkap.value import is_numeric, read_value

_ALWAYS_READABLE = frozenset({type(None), bool, UnsetType})
_NOTHING = Dropped()
_SAMPLE = 80


class Group(Enum):
    """What one level of an answer is about."""

    ACCOUNT = "account_metrics"
    ENTITY = "connector_metrics"
    INLINE = "inline_metrics"
    TASK = "task_metrics"
    TOPIC = "topic_metrics"


@dataclass(slots=True)
class Found:
    """What one or several answers hold, by group: entity id (with `/task` or `/topic`) to its metrics.

    `blocks` are those that were read metric by metric, `groups` the others. Entities without any metrics are left out,
    except tasks and topics: that they are named says that they exist. `unknown` are ids in the place of ids that no
    listing has named.
    """

    groups: dict[Group, dict[str, Metrics]] = field(default_factory=lambda: {group: {} for group in Group})
    blocks: dict[Group, list[Block]] = field(default_factory=lambda: {group: [] for group in Group})
    unknown: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)  #: whom anything was recognised for, apart from tasks and topics
    lost: Dropped = field(default_factory=Dropped)  #: values that stood where no reading can be

    def take(self, group: Group, entity: str, metrics: Metrics) -> None:
        self.groups[group][entity] = metrics
        if group in (Group.ENTITY, Group.INLINE):
            self.answered.add(entity)

    def take_block(self, group: Group, block: Block) -> None:
        self.blocks[group].append(block)
        if group in (Group.ENTITY, Group.INLINE):
            self.answered.update(block.names.ids)

    def lose(self, entity: str, name: str, raw: Any) -> None:
        """Note a value that stands where no reading can be."""
        self.lost += Dropped(1, f"{entity}: {shown(name, raw)}")

    def dropped(self) -> Dropped:
        """How many values cannot be read, of all that were sent."""
        found = self.lost
        for blocks in self.blocks.values():
            for block in blocks:
                for name, values in block.columns.items():
                    if isinstance(values, list) and not _readable(name, set(map(type, values))):
                        keys = zip(block.keys, values, strict=True)
                        found = sum((_dropped(key, name, raw) for key, raw in keys), start=found)
        for entities in self.groups.values():
            for key, metrics in entities.items():
                for name, raw in metrics.items():
                    if type(raw) not in _ALWAYS_READABLE:
                        found += _dropped(key, name, raw)
        return found

    def put(self, group: Group, entity: str, name: str, raw: Any) -> None:
        metrics = self.groups[group].get(entity)
        if metrics is None:
            self.take(group, entity, {name: raw})
        else:
            metrics[name] = raw

    def merge(self, other: Found, owners: Collection[str]) -> None:
        """Add what another answer holds about these entities, their tasks and topics."""
        for group, blocks in other.blocks.items():
            for block in blocks:
                self.blocks[group].append(block.without(set(block.names.owners).difference(owners)))
            for key, metrics in other.groups[group].items():
                if key.partition("/")[0] in owners:
                    self.groups[group].setdefault(key, {}).update(metrics)
        self.answered |= other.answered & set(owners)
        self.unknown |= other.unknown

    def keys(self, group: Group) -> Iterator[str]:
        """Everybody in a group."""
        return chain(*(block.keys for block in self.blocks[group]), self.groups[group])

    def spread(self, group: Group) -> dict[str, Metrics]:
        """The group entity by entity, without blocks: slow for many."""
        loose, self.groups[group] = self.groups[group], {}
        for block in self.blocks[group]:
            self.groups[group].update((key, block.metrics(row)) for row, key in enumerate(block.keys))
        self.blocks[group] = []
        for entity, metrics in loose.items():
            self.groups[group].setdefault(entity, {}).update(metrics)
        return self.groups[group]


def shown(name: str, raw: Any) -> str:
    """A metric and its value on one printable line, cut; values of sensitive metrics never get here."""
    text = f"{name!a}: {raw!a}"
    return text if len(text) <= _SAMPLE else text[: _SAMPLE - 1] + "…"


def _readable(name: str, types: set[type]) -> bool:
    """Whether values of these types can all be read, without a look at them."""
    return types <= {*_ALWAYS_READABLE, float, *([] if is_numeric(name) else [str])}


def _dropped(entity: str, name: str, raw: Any) -> Dropped:
    if type(raw) in _ALWAYS_READABLE or raw is UNSET or raw in ("", []):
        return _NOTHING
    one = read_value(name, raw)
    if one is not None and (one.value is not None or _says_nothing(raw)):
        return _NOTHING
    return Dropped(1, f"{entity}: {shown(name, raw)}")


def _says_nothing(raw: Any) -> bool:
    """Whether an entry or a series holds nulls alone: that is no reading, and nothing odd."""
    entries = raw if isinstance(raw, list) else [raw]
    return all(one is None or (isinstance(one, dict) and one.get("value", 0) is None) for one in entries)
