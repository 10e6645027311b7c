"""What is watched: entities of every kind in tables, and which belongs to which. Changes only with a listing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp]
#: A label is one text, or several (`tags`, `pipelines`); a missing label is "".
LabelValue = str | tuple[str, ...]


class Kind(StrEnum):
    """What a rule's `each` can name."""

    SOURCE = "source"
    DESTINATION = "destination"
    CONNECTOR = "connector"  #: every source, then every destination; a view, holds no entities of its own
    TASK = "task"
    TOPIC = "topic"
    TRANSFORM = "transform"
    PIPELINE = "pipeline"
    ACCOUNT = "account"
    WATCHDOG = "watchdog"


#: Kinds that hold entities themselves.
REAL_KINDS = tuple(kind for kind in Kind if kind is not Kind.CONNECTOR)

_CONNECTOR_LABELS = ("kind", "id", "name", "connector", "tags", "pipelines", "tenant")
#: Which labels the entities of a kind carry (product page, section 1).
LABELS: Mapping[Kind, tuple[str, ...]] = {
    Kind.SOURCE: _CONNECTOR_LABELS,
    Kind.DESTINATION: _CONNECTOR_LABELS,
    Kind.CONNECTOR: _CONNECTOR_LABELS,
    Kind.TASK: (*_CONNECTOR_LABELS, "task"),
    Kind.TOPIC: (*_CONNECTOR_LABELS, "topic"),
    Kind.TRANSFORM: ("kind", "id", "name", "tags", "pipelines", "tenant"),
    Kind.PIPELINE: ("kind", "id", "name", "tags", "source", "destination", "tenant"),
    Kind.ACCOUNT: ("kind", "id"),
    Kind.WATCHDOG: ("kind", "id", "name"),
}
LIST_LABELS = frozenset({"tags", "pipelines"})
#: What an alert can be matched by, besides the labels its rule adds.
ALERT_LABELS = frozenset({"alertname", "severity", "flapping"}).union(*LABELS.values())


class EntityKey(NamedTuple):
    """What an entity *is*: its kind and its id at the API; a task or topic is `<connector id>/<task or topic id>`."""

    kind: Kind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"


class PartLabels(Mapping[str, LabelValue]):
    """A task's or topic's labels: its connector's, shared with it, and one more (`task` or `topic`)."""

    __slots__ = ("_name", "_shared", "_value")

    def __init__(self, shared: dict[str, LabelValue], name: str, value: str) -> None:
        self._shared, self._name, self._value = shared, name, value

    def __getitem__(self, name: str) -> LabelValue:
        return self._value if name == self._name else self._shared[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self._value if name == self._name else self._shared.get(name, default)

    def __iter__(self) -> Iterator[str]:
        yield from self._shared
        yield self._name

    def __len__(self) -> int:
        return len(self._shared) + 1

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity as a listing describes it.

    `labels` holds what LABELS names for its kind, except `id`; for tasks and topics `kind` is that of the connector
    (its connector's labels, and `task` or `topic`).
    """

    key: EntityKey
    labels: Mapping[str, LabelValue]
    connector: EntityKey | None = None  #: of a task or topic
    members: tuple[EntityKey, ...] = ()  #: of a pipeline: its source, destination and transforms
    #: Which of its child lists ("tasks", "topics", …) the API answered; a missing list is unknown, not empty.
    lists: frozenset[str] = frozenset({"tasks", "topics", "sources", "destinations", "transforms", "pipelines"})

    @property
    def name(self) -> str:
        """As people call it: `orders-db`, `orders-db/0`, `orders-db/public.orders`."""
        name = str(self.labels.get("name") or self.key.id)
        part = self.labels.get("task") if self.key.kind is Kind.TASK else self.labels.get("topic")
        return f"{name}/{part}" if self.key.kind in (Kind.TASK, Kind.TOPIC) else name


class Table:
    """The entities of one kind, in rows. Row numbers hold until the next listing."""

    def __init__(self, kind: Kind, entities: Sequence[Entity]) -> None:
        self.kind = kind
        self.entities = list(entities)

    def __len__(self) -> int:
        return len(self.entities)

    @cached_property
    def ids(self) -> list[str]:
        return [entity.key.id for entity in self.entities]

    @cached_property
    def place(self) -> dict[str, int]:
        """Row of an id."""
        return {id_: row for row, id_ in enumerate(self.ids)}

    @cached_property
    def row(self) -> dict[EntityKey, int]:
        """Row of an entity; in the view `connector` the keys keep their own kind."""
        return {entity.key: row for row, entity in enumerate(self.entities)}

    def label(self, name: str) -> list[LabelValue]:
        """One label of every entity; "" where it has none."""
        if name == "id":
            return list(self.ids)
        return [entity.labels.get(name, "") for entity in self.entities]


@dataclass(frozen=True, slots=True)
class Edges:
    """Which rows of one table belong to which rows of another; many to many, one entry a pair.

    `known[parent row]` is False where the API did not answer that list, so nothing can be said about the children.
    """

    child: Kind
    parents: Rows
    children: Rows
    known: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Fleet:
    """Everything known to exist, as of the last listing.

    `listed_at` is the instant of that listing, `version` grows with each change so that what was computed for one
    fleet (selections, histories) can be told to be out of date.
    """

    tables: Mapping[Kind, Table]
    listed_at: float
    version: int = 0
    _edges: dict[tuple[Kind, str], Edges] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, entities: Iterable[Entity], listed_at: float, version: int = 0) -> Fleet:
        """A fleet of these entities; duplicates of a key are an error of the caller."""
        found: dict[Kind, list[Entity]] = {kind: [] for kind in REAL_KINDS}
        for entity in entities:
            found[entity.key.kind].append(entity)
        tables = {kind: Table(kind, rows) for kind, rows in found.items()}
        tables[Kind.CONNECTOR] = Table(Kind.CONNECTOR, found[Kind.SOURCE] + found[Kind.DESTINATION])
        return cls(tables, listed_at, version)

    def table(self, kind: Kind) -> Table:
        return self.tables[kind]

    def entity(self, key: EntityKey) -> Entity | None:
        table = self.tables[key.kind]
        row = table.row.get(key)
        return None if row is None else table.entities[row]

    def __len__(self) -> int:
        """How many entities of all kinds, the watchdog itself and the account left out."""
        return sum(len(self.tables[kind]) for kind in REAL_KINDS if kind not in (Kind.ACCOUNT, Kind.WATCHDOG))

    def edges(self, parent: Kind, relation: str) -> Edges | None:
        """Children named `relation` ("tasks", "pipelines", …) of the rows of `parent`; None for no such relation.

        Also upwards: ("task", "connector"), ("topic", "connector"), ("pipeline", "source"),
        ("pipeline", "destination"), where each parent row has at most one child.
        """
        found = self._edges.get((parent, relation))
        if found is None:
            from watchdog.readings.relations import edges_of  # the family needs the fleet's types

            made = edges_of(self, parent, relation)
            if made is None:
                return None
            found = self._edges[parent, relation] = made
        return found
