"""Listed objects to entities: their labels, tasks, topics, and which belongs to which pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from watchdog.readings.fleet import Entity, EntityKey, Kind, LabelValue, PartLabels
from watchdog.streamkap.error_text import error_of
from watchdog.streamkap.pages import Item

ACCOUNT = EntityKey(Kind.ACCOUNT, "account")


class Parts(NamedTuple):
    """Tasks and topics (id to name) of a connector; None where the API did not answer the list."""

    tasks: tuple[str, ...] | None
    topics: Mapping[str, str] | None


class Tags:
    """Names of tags; an id without a known name stays as it is."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def of(self, item: Item) -> tuple[str, ...]:
        found = (self._name(tag) for tag in _list(item.get("tags")))
        return tuple(sorted({name for name in found if name}))

    def unnamed(self, items: Iterable[Item]) -> set[str]:
        """Ids of tags whose name is not known."""
        return {
            tag for item in items for tag in _list(item.get("tags")) if isinstance(tag, str) and tag not in self.names
        }

    def _name(self, tag: Any) -> str:
        if isinstance(tag, dict):
            return text(tag.get("name")) or self.names.get(text(tag.get("id")), text(tag.get("id")))
        return self.names.get(tag, tag) if isinstance(tag, str) else ""


def parts_of(item: Item) -> Parts:
    """What a source or destination says about its tasks and topics."""
    tasks: set[str] | None = None
    for listed in (item.get("tasks"), item.get("task_statuses")):
        if isinstance(listed, dict | list):
            tasks = (tasks or set()) | {task for task in map(_task, listed) if task is not None}
    ids, names = item.get("topic_ids"), item.get("topics")
    topics: dict[str, str] | None = None
    if isinstance(ids, list):
        given = names if isinstance(names, list) and len(names) == len(ids) else [None] * len(ids)
        topics = {topic: text(name) or topic_name(topic) for topic, name in zip(ids, given, strict=True)
                  if isinstance(topic, str) and topic}  # fmt: skip
    elif isinstance(names, list):
        topics = {name: name for name in names if isinstance(name, str) and name}
    return Parts(None if tasks is None else tuple(sorted(tasks, key=int)), topics)


def task_states(item: Item) -> dict[str, str]:
    """State of each task as the listing tells it: `{"0": {"status": …}}`, `{"0": {"state": …}}`, or rows."""
    statuses = item.get("task_statuses")
    rows: Iterable[tuple[Any, Any]] = ()
    if isinstance(statuses, dict):
        rows = statuses.items()
    elif isinstance(statuses, list):
        rows = ((row, row) for row in statuses)
    found = {}
    for named, row in rows:
        task = _task(named)
        state = (text(row.get("status")) or text(row.get("state"))) if isinstance(row, dict) else text(row)
        if task is not None and state:
            found[task] = state
    return found


def task_errors(item: Item) -> dict[str, str]:
    """What failed tasks say of their failure, in one line without secrets, as the listing tells it."""
    statuses = item.get("task_statuses")
    rows: Iterable[tuple[Any, Any]] = statuses.items() if isinstance(statuses, dict) else ()
    if isinstance(statuses, list):
        rows = ((row, row) for row in statuses)
    found = ((_task(named), error_of(row)) for named, row in rows)
    return {task: error for task, error in found if task is not None and error}


def members_of(pipeline: Item) -> tuple[EntityKey, ...]:
    """Source, destination and transforms of a pipeline."""
    found = [
        EntityKey(kind, id)
        for kind, id in (
            (Kind.SOURCE, _reference(pipeline, "source")),
            (Kind.DESTINATION, _reference(pipeline, "destination")),
            *((Kind.TRANSFORM, _id(transform)) for transform in _list(pipeline.get("transforms"))),
        )
        if id
    ]
    return tuple(dict.fromkeys(found))


def pipelines_by_member(pipelines: Iterable[Item]) -> dict[EntityKey, list[str]]:
    """Names of the pipelines each member belongs to."""
    found: dict[EntityKey, list[str]] = {}
    for pipeline in pipelines:
        for member in members_of(pipeline):
            found.setdefault(member, []).append(name_of(pipeline))
    return found


class EntityBuilder:
    """Makes entities of listed objects; the same object again gives the very same entity."""

    def __init__(self) -> None:
        self.tags = Tags()
        self._made: dict[Kind, dict[EntityKey, tuple[object, tuple[Entity, ...]]]] = {
            Kind.SOURCE: {},
            Kind.DESTINATION: {},
        }

    def connectors(
        self,
        kind: Kind,
        items: Iterable[Item],
        parts: Mapping[str, Parts],
        pipelines: Mapping[EntityKey, Sequence[str]] | None,
    ) -> Iterator[Entity]:
        """Each connector, its tasks, its topics. `pipelines` None: they were never listed."""
        made = {}
        for item in items:
            id = item["id"]
            key = EntityKey(kind, id)
            tasks, topics = parts[id]
            labels: dict[str, LabelValue] = {
                "kind": kind.value,
                "name": name_of(item),
                "connector": text(item.get("connector")),
                "tags": self.tags.of(item),
                "pipelines": tuple(sorted(set((pipelines or {}).get(key, ())))),
                "tenant": text(item.get("tenant_id")),
            }
            made_of = (tuple(labels.values()), tasks, tuple((topics or {}).items()), topics is None, pipelines is None)
            known = self._made[kind].get(key)
            if known is None or known[0] != made_of:
                entities = [Entity(key, labels, lists=_answered(tasks=tasks, topics=topics, pipelines=pipelines))]
                for task in tasks or ():
                    task_key = EntityKey(Kind.TASK, f"{id}/{task}")
                    entities.append(Entity(task_key, PartLabels(labels, "task", task), key, lists=_answered()))
                for topic, name in (topics or {}).items():
                    topic_key = EntityKey(Kind.TOPIC, f"{id}/{topic}")
                    entities.append(Entity(topic_key, PartLabels(labels, "topic", name), key, lists=_answered()))
                known = made_of, tuple(entities)
            made[key] = known
            yield from known[1]
        self._made[kind] = made  # without those that are gone

    def transforms(
        self, items: Iterable[Item], pipelines: Mapping[EntityKey, Sequence[str]] | None
    ) -> Iterator[Entity]:
        for item in items:
            key = EntityKey(Kind.TRANSFORM, item["id"])
            labels: dict[str, LabelValue] = {
                "kind": Kind.TRANSFORM.value,
                "name": name_of(item),
                "tags": self.tags.of(item),
                "pipelines": tuple(sorted(set((pipelines or {}).get(key, ())))),
                "tenant": text(item.get("tenant_id")),
            }
            yield Entity(key, labels, lists=_answered(pipelines=pipelines))

    def pipelines(self, items: Iterable[Item], names: Mapping[EntityKey, str]) -> Iterator[Entity]:
        """Each pipeline; `names` are those of listed sources and destinations."""
        for item in items:
            members = members_of(item)
            labels: dict[str, LabelValue] = {
                "kind": Kind.PIPELINE.value,
                "name": name_of(item),
                "tags": self.tags.of(item),
                "source": _member_name(item, "source", members, names),
                "destination": _member_name(item, "destination", members, names),
                "tenant": text(item.get("tenant_id")),
            }
            lists = _answered(
                sources=item.get("source") or item.get("source_id"),
                destinations=item.get("destination") or item.get("destination_id"),
                transforms=item.get("transforms"),
            )
            yield Entity(EntityKey(Kind.PIPELINE, item["id"]), labels, members=members, lists=lists)

    def account(self, listed: Iterable[Kind]) -> Entity:
        """The account; it has those lists that were once read to their end."""
        known = {f"{kind.value}s" for kind in listed}
        if {"sources", "destinations"} <= known:
            known |= {"tasks", "topics", "connectors"}
        return Entity(ACCOUNT, {"kind": Kind.ACCOUNT.value}, lists=frozenset(known))


def _answered(**lists: object) -> frozenset[str]:
    """The names of the lists that the API answered, those that are not None."""
    return _shared(tuple(name for name, found in lists.items() if found is not None))


@cache
def _shared(names: tuple[str, ...]) -> frozenset[str]:
    # a frozenset takes 216 bytes also where it is empty; a fleet needs a few different ones
    return frozenset(names)


def name_of(item: Item) -> str:
    return text(item.get("name")) or text(item["id"])


def topic_name(topic: str) -> str:
    """`public.orders` of `source_<id>.public.orders`, whoever the source is; other ids are names already."""
    head, dot, rest = topic.partition(".")
    return rest if dot and rest and head.startswith(("source_", "destination_", "transform_")) else topic


def text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _task(named: Any) -> str | None:
    """A task's number from what names it: 0, "0", or a row with an id."""
    if isinstance(named, dict):
        named = next((named[key] for key in ("task", "task_id", "id") if key in named), None)
    if isinstance(named, int) and not isinstance(named, bool) and named >= 0:
        return str(named)
    is_number = isinstance(named, str) and named.isascii() and named.isdigit() and len(named) < 7
    return str(int(named)) if is_number else None


def _member_name(item: Item, role: str, members: Iterable[EntityKey], names: Mapping[EntityKey, str]) -> str:
    known = next((names[key] for key in members if key.kind.value == role and key in names), "")
    inside = item.get(role)
    return known or (text(inside.get("name")) if isinstance(inside, dict) else "")


def _reference(item: Item, role: str) -> str:
    return _id(item.get(role)) or text(item.get(f"{role}_id"))


def _id(value: Any) -> str:
    return text(value.get("id") or value.get("_id")) if isinstance(value, dict) else text(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
