"""Tasks and topics of connectors: those that listings name, and those that only metrics do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchdog.streamkap.entities import Parts, parts_of, topic_name
from watchdog.streamkap.metrics_answer import Found, Group
from watchdog.streamkap.pages import Item

#: A task or topic that only metrics name is not gone because they are silent; after so long it is forgotten.
_FORGET_AFTER = 3600.0


class Children:
    """What is known about the children of one kind of connectors. Keys are `<connector>/<task or topic>`."""

    def __init__(self) -> None:
        self._listed: dict[str, tuple[Item, Parts]] = {}
        self._known: set[str] = set()
        self._topic_ids: dict[str, str] = {}
        self._seen_tasks: dict[str, float] = {}
        self._seen_topics: dict[str, float] = {}

    def listed(self, item: Item) -> Parts:
        """What a listed object says about its children; looked at once."""
        known = self._listed.get(item["id"])
        if known is None or known[0] is not item:
            known = self._listed[item["id"]] = (item, parts_of(item))
        return known[1]

    def rename_topics(self, found: Found) -> None:
        """Metrics may name a topic by its id or by its name: the id it is."""
        named = [key for key in found.keys(Group.TOPIC) if key in self._topic_ids]
        if named:
            topics = found.spread(Group.TOPIC)
            for key in named:
                topics.setdefault(self._topic_ids[key], {}).update(topics.pop(key))

    def note(self, at: float, found: Found) -> bool:
        """Remember whom metrics name besides the listed ones; True if somebody is new."""
        new = False
        for seen, group in ((self._seen_tasks, Group.TASK), (self._seen_topics, Group.TOPIC)):
            unknown = {key for key in found.keys(group) if key not in self._known}
            new |= bool(unknown)
            seen.update(dict.fromkeys(unknown, at))
            if seen:
                seen.update((key, at) for key in found.keys(group) if key in seen)
            for key in [key for key, last in seen.items() if at - last > _FORGET_AFTER]:
                del seen[key]
        return new

    def of(self, items: Iterable[Item]) -> dict[str, Parts]:
        """Tasks and topics of every connector, listed or seen in metrics."""
        found = {item["id"]: self.listed(item) for item in items}
        for id in self._listed.keys() - found.keys():
            del self._listed[id]
        self._topic_ids = {f"{id}/{name}": f"{id}/{topic}" for id, (_, topics) in found.items()
                           for topic, name in (topics or {}).items() if name != topic}  # fmt: skip
        listed = _keys(found)
        tasks, topics = self._besides(self._seen_tasks, found, listed), self._besides(self._seen_topics, found, listed)
        for id in tasks.keys() | topics.keys():
            known = found[id]
            found[id] = Parts(
                tuple(sorted({*(known.tasks or ()), *tasks[id]}, key=int)) if id in tasks else known.tasks,
                {**(known.topics or {}), **{topic: topic_name(topic) for topic in topics[id]}}
                if id in topics
                else known.topics,
            )
        self._known = _keys(found)
        return found

    def _besides(
        self, seen: dict[str, float], found: Mapping[str, Parts], listed: set[str]
    ) -> dict[str, list[str]]:
        """Children by connector that only metrics name; whoever is listed by now needs no remembering."""
        besides: dict[str, list[str]] = {}
        for key in list(seen):
            id, _, child = key.partition("/")
            if id not in found or key in listed or key in self._topic_ids:
                del seen[key]
            else:
                besides.setdefault(id, []).append(child)
        return besides


def _keys(found: Mapping[str, Parts]) -> set[str]:
    keys = {f"{id}/{task}" for id, parts in found.items() for task in parts.tasks or ()}
    return keys | {f"{id}/{topic}" for id, parts in found.items() for topic in parts.topics or ()}
