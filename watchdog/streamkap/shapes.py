"""Which part of a metrics answer belongs to which entity, in whatever shape it came.

The API publishes five groups and nothing of what is in them. Known ids are what can be held on to: they are looked
for at any depth, as keys or in rows. The usual shapes, id → metric → value and id → task → metric → value, are taken as
they are without a look at the values (plain.py); every other one is walked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain
from typing import Any

from watchdog.readings.catalogue import CATALOGUE
from watchdog.streamkap.leaf import TIME_FIELDS
from watchdog.streamkap.plain import SENSITIVE, TELLING, Block, Metrics, PlainDocument, is_sensitive


class Group(Enum):
    """What one level of an answer is about."""

    ACCOUNT = "account_metrics"
    ENTITY = "connector_metrics"
    INLINE = "inline_metrics"
    TASK = "task_metrics"
    TOPIC = "topic_metrics"


_GROUPS = {group.value: group for group in Group} | {
    "source_metrics": Group.ENTITY,
    "destination_metrics": Group.ENTITY,
    "pipeline_metrics": Group.ENTITY,
    "transform_metrics": Group.ENTITY,
    "entity_metrics": Group.ENTITY,
}
#: Keys that only wrap what matters.
_WRAPPERS = frozenset(
    {"data", "result", "results", "items", "rows", "metrics", "latest", "values", "response"}
    | {"sources", "destinations", "connectors", "pipelines", "transforms", "tasks", "topics"}
)
_OUTER = ("data", "result", "results", "response")
_ID_FIELDS = ("id", "connector_id", "entity_id", "source_id", "destination_id", "pipeline_id", "transform_id", "_id")
_TASK_FIELDS = ("task", "task_id", "task_number")
_TOPIC_FIELDS = ("topic_id", "topic", "topic_name")
_NAME_FIELDS = ("metric", "metric_name", "name")
#: What rows say about an entity besides its metrics.
DESCRIPTIVE = frozenset(
    {*_ID_FIELDS, *_TASK_FIELDS, *_TOPIC_FIELDS, *TIME_FIELDS, *_NAME_FIELDS}
    | {"connector", "connector_display_name", "display_name", "tenant_id", "service_id", "sub_id", "entity_type"}
    | {"kind", "type", "level", "unit", "metadata", "created_timestamp", "config", "tags", "detail"}
    | {"page", "page_size", "total", "has_next"}
)
#: Names that make an object more than metrics: it is a row, an entry, or holds what must not be kept.
_SPECIAL = TELLING | SENSITIVE
_MAX_DEPTH = 24
_ID = re.compile("[0-9a-f]{24}")
_PART = re.compile(r"[/:._-](?:task[/:._-]?)?([0-9]{1,6})")


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

    def take(self, group: Group, entity: str, metrics: Metrics) -> None:
        self.groups[group][entity] = metrics
        if group in (Group.ENTITY, Group.INLINE):
            self.answered.add(entity)

    def take_block(self, group: Group, block: Block) -> None:
        self.blocks[group].append(block)
        if group in (Group.ENTITY, Group.INLINE):
            self.answered.update(block.names.ids)

    def put(self, group: Group, entity: str, name: str, raw: Any) -> None:
        metrics = self.groups[group].get(entity)
        if metrics is None:
            self.take(group, entity, {name: raw})
        else:
            metrics[name] = raw

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


def recognise(document: Any, ids: Collection[str], into: Found, *, only: str | None = None) -> None:
    """Add what a metrics answer holds about `ids` to `into`.

    `only` is the one entity that was asked for: an answer that names no id is about it.
    """
    if isinstance(document, PlainDocument):
        parts: Iterator[tuple[Group | None, Any]] = _beside_plain(document, ids, into, only)
    else:
        parts = _groups(document, 0)
    for group, part in parts:
        if group is Group.ACCOUNT:
            _Walk(group, ids, into, only="").walk(part, _Place("", None))
            continue
        rest = _taken(group or Group.ENTITY, part, ids, into) if isinstance(part, dict) else part
        if rest:
            walk = _Walk(group or Group.ENTITY, ids, into, only=only, catalogued=group is None)
            assumed = only if only is not None and not walk.mentions(part, 0) else None
            if group is None and assumed is not None and not _speaks_of_metrics(part):
                continue
            walk.walk(rest, _Place(assumed, None))


def _groups(node: Any, depth: int) -> Iterator[tuple[Group | None, Any]]:
    """The five groups, also inside wrappers; the answer itself (None) where there are none."""
    wrapped = node
    while isinstance(wrapped, dict) and depth < _MAX_DEPTH:
        present = [name for name in _GROUPS if name in wrapped]
        if present:
            for name in present:
                yield _GROUPS[name], wrapped[name]
            return
        inner = next((name for name in _OUTER if isinstance(wrapped.get(name), dict)), None)
        if inner is None:
            break
        wrapped, depth = wrapped[inner], depth + 1
    if wrapped is not node:
        yield Group.ENTITY, wrapped  # {data, metadata}: the wrapper says that these are metrics
    else:
        yield None, node


def _speaks_of_metrics(part: Any) -> bool:
    """Whether a bare object may be metrics: `{"status": "error", "message": …}` is not."""
    return isinstance(part, dict) and any(name in CATALOGUE and not CATALOGUE[name].text for name in part)


def _beside_plain(
    document: PlainDocument, ids: Collection[str], into: Found, only: str | None
) -> Iterator[tuple[Group | None, Any]]:
    """Take whole groups as they are; those that turn out to be keyed by something else are to be looked at closely."""
    if document.account:
        yield Group.ACCOUNT, document.account
    for name, block in document.blocks.items():
        group = Group(name)
        strangers = {id for id in block.names.ids if id not in ids}
        by_id = not strangers or (only is None and all(map(_ID.fullmatch, strangers)))
        numbered = group is not Group.TASK or all(map(str.isdecimal, set(block.names.children or ())))
        if by_id and numbered:
            into.unknown |= strangers
            gone = strangers | block.bare
            into.take_block(group, block.without(gone) if gone else block)
        else:
            yield group, block.as_sent()


def _taken(group: Group, part: dict[str, Any], ids: Collection[str], into: Found) -> dict[str, Any]:
    """Take what is plainly keyed by id, dictionaries as they are; what is left is returned."""
    rest: dict[str, Any] = {}
    if group in (Group.TASK, Group.TOPIC):
        for entity, children in part.items():
            if entity in ids and type(children) is dict:
                strange = {}
                for child, metrics in children.items():
                    if _is_taken(metrics) and (group is Group.TOPIC or child.isdecimal()):
                        into.take(group, f"{entity}/{child}", metrics)
                    else:
                        strange[child] = metrics
                if strange:
                    rest[entity] = strange
            else:
                rest[entity] = children
    else:
        for entity, metrics in part.items():
            if entity not in ids or not _is_taken(metrics):
                rest[entity] = metrics
            elif metrics:
                into.take(group, entity, metrics)
    return rest


def _is_taken(metrics: Any) -> bool:
    return _has_plain_types(metrics) and (metrics.keys().isdisjoint(_SPECIAL) or _is_ordinary(metrics))


def _has_plain_types(metrics: Any) -> bool:
    """Names to scalars or lists."""
    return type(metrics) is dict and dict not in set(map(type, metrics.values()))


def _is_ordinary(metrics: Metrics) -> bool:
    """Metrics without a time or a value of their own. Drops what is sensitive on the way."""
    for name in SENSITIVE:
        metrics.pop(name, None)
    return metrics.keys().isdisjoint(_SPECIAL)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in an answer we are: whose, which metric's, at what time."""

    entity: str | None
    metric: str | None
    child: str | None = None  #: task or topic
    time: Any = None


@dataclass(slots=True)
class _Walk:
    """A walk through one group in no shape that is known beforehand."""

    group: Group
    ids: Collection[str]
    into: Found
    only: str | None = None
    catalogued: bool = False  #: take only metrics of the catalogue: nothing says that this answer holds metrics at all

    def mentions(self, node: Any, depth: int) -> bool:
        """Whether any known id occurs in it."""
        if depth > _MAX_DEPTH:
            return False
        if isinstance(node, dict):
            return any(
                key in self.ids or (isinstance(value, str) and key in _ID_FIELDS and value in self.ids)
                or (isinstance(value, dict | list) and self.mentions(value, depth + 1))
                for key, value in node.items()
            )  # fmt: skip
        return isinstance(node, list) and any(self.mentions(item, depth + 1) for item in node)

    def walk(self, node: Any, place: _Place, depth: int = 0) -> None:
        if depth > _MAX_DEPTH:
            return
        if isinstance(node, dict):
            self._object(node, place, depth)
        elif isinstance(node, list):
            if place.metric is not None and not any(isinstance(item, dict) and self._is_row(item) for item in node):
                self._emit(place, node)
            else:
                for item in node:
                    self.walk(item, place, depth + 1)
        elif place.metric is not None:
            self._emit(place, node)

    def _object(self, node: dict[str, Any], place: _Place, depth: int) -> None:
        place = self._row(node, place)
        if "value" in node:
            # An entry of a series, or a long row that names its metric.
            name = place.metric or next((node[f] for f in _NAME_FIELDS if isinstance(node.get(f), str)), None)
            if name is not None:
                self._emit(_Place(place.entity, name, place.child, place.time), node["value"])
            return
        for key, value in node.items():
            if key == "metadata":
                continue
            inside = self._into(key, value, place)
            if inside is not None:
                self.walk(value, inside, depth + 1)

    def _into(self, key: str, value: Any, place: _Place) -> _Place | None:
        """The place one key further; None where it leads nowhere."""
        if key in self.ids and place.entity in (None, self.only):
            return _Place(key, None if self._is_whole(value) else place.metric, place.child, place.time)
        part = self._composite(key) if place.entity is None else None
        if part is not None:
            return _Place(part[0], place.metric, part[1], place.time)
        container = isinstance(value, dict | list)
        if container and (key in _WRAPPERS or key in _GROUPS) and place.metric is None:
            return place
        if place.entity is not None and place.child is None and isinstance(value, dict | list):
            if self.group is Group.TASK and key.isdecimal():
                return _Place(place.entity, place.metric, key, place.time)
            if self.group is Group.TOPIC and isinstance(value, dict) and "value" not in value:
                return _Place(place.entity, place.metric, key, place.time)
        if self.group in (Group.TASK, Group.TOPIC) and place.metric is not None and place.entity is not None:
            # metric → id → task → value
            is_child = place.child is None and (self.group is Group.TOPIC or key.isdecimal())
            return _Place(place.entity, place.metric, key, place.time) if is_child else None
        if place.entity is None and container and isinstance(value, dict) and _ID.fullmatch(key):
            self.into.unknown.add(key)
            return None
        if place.metric is None and key not in DESCRIPTIVE:
            return _Place(place.entity, key, place.child, place.time)
        return None

    def _is_whole(self, value: Any) -> bool:
        """Whether what an id leads to holds metrics by name, so that no level above it was a metric's name."""
        if not isinstance(value, dict) or "value" in value:
            return False
        if self.group in (Group.TASK, Group.TOPIC):
            return all(isinstance(child, dict) and "value" not in child for child in value.values())
        return True

    def _is_row(self, node: Mapping[str, Any]) -> bool:
        """Whether an item of a list is about an entity of its own, not an entry of a series."""
        named = any(isinstance(node.get(name), str) and node[name] in self.ids for name in _ID_FIELDS)
        return named or "value" not in node

    def _row(self, node: dict[str, Any], place: _Place) -> _Place:
        """What a row says about itself: its id, task or topic, and time."""
        entity, child, time = place.entity, place.child, place.time
        for name in _ID_FIELDS:
            named = node.get(name)
            if isinstance(named, str) and named in self.ids and entity in (None, self.only):
                entity = named
                break
        else:
            if entity is None and isinstance(node.get("id"), str) and _ID.fullmatch(node["id"]):
                self.into.unknown.add(node["id"])
        if self.group is Group.TASK and child is None:
            child = next((str(node[f]) for f in (*_TASK_FIELDS, "id") if _is_task(node.get(f))), None)
        if self.group is Group.TOPIC and child is None:
            named = [node[f] for f in (*_TOPIC_FIELDS, "id") if isinstance(node.get(f), str)]
            child = next((topic for topic in named if topic not in self.ids), None)
        time = next((node[name] for name in TIME_FIELDS if node.get(name) is not None), time)
        return _Place(entity, place.metric, child, time)

    def _composite(self, key: str) -> tuple[str, str] | None:
        """`<id>/0`, `<id>-task-0`, and for topics `<id>/<topic>`."""
        if self.group not in (Group.TASK, Group.TOPIC) or not isinstance(key, str):
            return None
        for cut in (24, key.find("/"), key.find(":"), key.find("-"), key.find("_")):
            entity, rest = key[:cut], key[cut:]
            if 0 < cut < len(key) and entity in self.ids:
                if self.group is Group.TOPIC:
                    return (entity, rest[1:]) if rest[0] in "/:" and rest[1:] else None
                part = _PART.fullmatch(rest)
                return (entity, part[1]) if part else None
        return None

    def _emit(self, place: _Place, raw: Any) -> None:
        name = place.metric
        if name is None or place.entity is None or name in DESCRIPTIVE or is_sensitive(name):
            return
        if (place.child is None) == (self.group in (Group.TASK, Group.TOPIC)):
            return
        if self.catalogued and name not in CATALOGUE:
            return
        entity = place.entity if place.child is None else f"{place.entity}/{place.child}"
        if place.time is not None and not isinstance(raw, list):
            raw = {"timestamp": place.time, "value": raw}
        before = self.into.groups[self.group].get(entity, {}).get(name)
        if before is not None and place.time is not None:
            # One of several rows: all are kept, the newest is found when the column is made.
            raw = [*(before if isinstance(before, list) else [before]), *(raw if isinstance(raw, list) else [raw])]
        self.into.put(self.group, entity, name, raw)


def _is_task(value: Any) -> bool:
    if isinstance(value, str):
        return value.isdecimal() and len(value) < 7
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
