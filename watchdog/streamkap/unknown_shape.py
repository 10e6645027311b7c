"""A walk through a part of a metrics answer in no shape that is known beforehand.

Known ids are what can be held on to: they are looked for at any depth, as keys or in rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from watchdog.readings.catalogue import CATALOGUE
from watchdog.streamkap.known_shape import is_sensitive
from watchdog.streamkap.metrics_answer import Found, Group
from watchdog.streamkap.value import TIME_FIELDS, instant

#: The groups by the names they may have.
GROUPS = {group.value: group for group in Group} | {
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
MAX_DEPTH = 24
ID = re.compile("[0-9a-f]{24}")
_PART = re.compile(r"[/:._-](?:task[/:._-]?)?([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an answer we are: whose, which metric's, at what time."""

    entity: str | None
    metric: str | None
    child: str | None = None  #: task or topic
    time: Any = None


@dataclass(slots=True)
class Walk:
    """A walk through one group in no shape that is known beforehand."""

    group: Group
    ids: Collection[str]
    into: Found
    only: str | None = None
    catalogued: bool = False  #: take only metrics of the catalogue: nothing says that this answer holds metrics at all

    def mentions(self, node: Any, depth: int) -> bool:
        """Whether any known id occurs in it."""
        if depth > MAX_DEPTH:
            return False
        if isinstance(node, dict):
            return any(
                key in self.ids or (isinstance(value, str) and key in _ID_FIELDS and value in self.ids)
                or (isinstance(value, dict | list) and self.mentions(value, depth + 1))
                for key, value in node.items()
            )  # fmt: skip
        return isinstance(node, list) and any(self.mentions(item, depth + 1) for item in node)

    def walk(self, node: Any, place: Place, depth: int = 0) -> None:
        if depth > MAX_DEPTH:
            self.into.lose(place.entity or "?", place.metric or "?", "too deep")
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

    def _object(self, node: dict[str, Any], place: Place, depth: int) -> None:
        place = self._row(node, place)
        if "value" in node and not any(key in CATALOGUE for key in node):
            # An entry of a series, or a long row that names its metric.
            name = place.metric or next((node[f] for f in _NAME_FIELDS if isinstance(node.get(f), str)), None)
            if name is not None:
                self._emit(Place(place.entity, name, place.child, place.time), node["value"])
            return
        for key, value in node.items():
            if key == "metadata":
                continue
            inside = self._into(key, value, place)
            if inside is not None:
                self.walk(value, inside, depth + 1)
            elif place.metric is not None and place.entity is not None and not is_sensitive(place.metric):
                self.into.lose(place.entity, f"{place.metric}.{key}", value)

    def _into(self, key: str, value: Any, place: Place) -> Place | None:
        """The place one key further; None where it leads nowhere."""
        if key in self.ids and place.entity in (None, self.only):
            return Place(key, None if self._is_whole(value) else place.metric, place.child, place.time)
        part = self._composite(key) if place.entity is None else None
        if part is not None:
            return Place(part[0], place.metric, part[1], place.time)
        container = isinstance(value, dict | list)
        if container and (key in _WRAPPERS or key in GROUPS) and place.metric is None:
            return place
        if place.entity is not None and place.child is None and isinstance(value, dict | list):
            if self.group is Group.TASK and key.isdecimal():
                return Place(place.entity, place.metric, key, place.time)
            if self.group is Group.TOPIC and isinstance(value, dict) and "value" not in value:
                return Place(place.entity, place.metric, key, place.time)
        if self.group in (Group.TASK, Group.TOPIC) and place.metric is not None and place.entity is not None:
            # metric → id → task → value
            is_child = place.child is None and (self.group is Group.TOPIC or key.isdecimal())
            return Place(place.entity, place.metric, key, place.time) if is_child else None
        if place.entity is None and container and isinstance(value, dict) and ID.fullmatch(key):
            self.into.unknown.add(key)
            return None
        if place.metric is None and key not in DESCRIPTIVE:
            return Place(place.entity, key, place.child, place.time)
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

    def _row(self, node: dict[str, Any], place: Place) -> Place:
        """What a row says about itself: its id, task or topic, and time."""
        entity, child, time = place.entity, place.child, place.time
        for name in _ID_FIELDS:
            named = node.get(name)
            if isinstance(named, str) and named in self.ids and entity in (None, self.only):
                entity = named
                break
        else:
            if entity is None and isinstance(node.get("id"), str) and ID.fullmatch(node["id"]):
                self.into.unknown.add(node["id"])
        if self.group is Group.TASK and child is None:
            child = next((str(node[f]) for f in (*_TASK_FIELDS, "id") if _is_task(node.get(f))), None)
        if self.group is Group.TOPIC and child is None:
            named = [node[f] for f in (*_TOPIC_FIELDS, "id") if isinstance(node.get(f), str)]
            child = next((topic for topic in named if topic not in self.ids), None)
        time = next((node[name] for name in TIME_FIELDS if _is_time(node.get(name))), time)
        return Place(entity, place.metric, child, time)

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

    def _emit(self, place: Place, raw: Any) -> None:
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


def _is_time(value: Any) -> bool:
    """Whether this tells an instant, readable or not; a number that is none is a metric of that name."""
    return value is not None and (not isinstance(value, int | float) or instant(value) is not None)


def _is_task(value: Any) -> bool:
    if isinstance(value, str):
        return value.isdecimal() and len(value) < 7
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
