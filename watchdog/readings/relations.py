"""Which relations an entity has (`tasks` of a connector, `source` of a pipeline, …) and the pairs of rows in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from watchdog.readings.fleet import Edges, EntityKey, Kind

if TYPE_CHECKING:
    from watchdog.readings.fleet import Fleet

_OF_CONNECTOR = {"tasks": Kind.TASK, "topics": Kind.TOPIC, "pipelines": Kind.PIPELINE}
_MEMBERS = {
    "sources": Kind.SOURCE,
    "destinations": Kind.DESTINATION,
    "connectors": Kind.CONNECTOR,
    "transforms": Kind.TRANSFORM,
    "tasks": Kind.TASK,
    "topics": Kind.TOPIC,
}
#: Downwards: which lists a kind has, and the kind of their members.
CHILDREN: Mapping[Kind, Mapping[str, Kind]] = {
    Kind.SOURCE: _OF_CONNECTOR,
    Kind.DESTINATION: _OF_CONNECTOR,
    Kind.CONNECTOR: _OF_CONNECTOR,
    Kind.TRANSFORM: {"pipelines": Kind.PIPELINE},
    Kind.PIPELINE: _MEMBERS,
    Kind.ACCOUNT: {**_MEMBERS, "pipelines": Kind.PIPELINE},
    Kind.TASK: {},
    Kind.TOPIC: {},
    Kind.WATCHDOG: {},
}
#: Upwards: one relative each.
PARENTS: Mapping[Kind, Mapping[str, Kind]] = {
    Kind.TASK: {"connector": Kind.CONNECTOR},
    Kind.TOPIC: {"connector": Kind.CONNECTOR},
    Kind.PIPELINE: {"source": Kind.SOURCE, "destination": Kind.DESTINATION},
}


def edges_of(fleet: Fleet, parent: Kind, relation: str) -> Edges | None:
    """The pairs of rows of one relation; None where a kind has no such relation."""
    child = PARENTS.get(parent, {}).get(relation) or CHILDREN[parent].get(relation)
    if child is None:
        return None
    pairs = sorted(set(_pairs(fleet, parent, relation, child)))
    rows = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    known = np.array([_listed(fleet, entity.key, relation) for entity in fleet.table(parent).entities], dtype=np.bool_)
    return Edges(child, rows[:, 0].copy(), rows[:, 1].copy(), known)


def _listed(fleet: Fleet, key: EntityKey, relation: str) -> bool:
    """Whether the API answered this list for this entity; a pipeline's tasks are known if its connectors' are."""
    entity = fleet.entity(key)
    assert entity is not None
    if key.kind is Kind.PIPELINE and relation in ("tasks", "topics"):
        parts = [fleet.entity(member) for member in entity.members if member.kind is not Kind.TRANSFORM]
        return all(part is not None and relation in part.lists for part in parts)
    if relation in ("connectors", "connector", "source", "destination"):
        return True
    return relation in entity.lists


def _pairs(fleet: Fleet, parent: Kind, relation: str, child: Kind) -> Iterator[tuple[int, int]]:
    parents, children = fleet.table(parent), fleet.table(child)
    if parent is Kind.ACCOUNT:
        yield from ((row, other) for row in range(len(parents)) for other in range(len(children)))
    elif parent is Kind.PIPELINE and relation not in ("tasks", "topics"):
        for row, pipeline in enumerate(parents.entities):
            for member in pipeline.members:
                if member in children.row:
                    yield row, children.row[member]
    elif parent is Kind.PIPELINE:
        of_connector: dict[EntityKey, list[int]] = {}
        for other, part in enumerate(children.entities):
            if part.connector is not None:
                of_connector.setdefault(part.connector, []).append(other)
        for row, pipeline in enumerate(parents.entities):
            for member in pipeline.members:
                yield from ((row, other) for other in of_connector.get(member, ()))
    elif relation == "pipelines":
        for other, pipeline in enumerate(children.entities):
            for member in pipeline.members:
                if member in parents.row:
                    yield parents.row[member], other
    elif relation == "connector":
        for row, part in enumerate(parents.entities):
            if part.connector in children.row:
                yield row, children.row[part.connector]
    else:  # tasks and topics of a connector
        for other, part in enumerate(children.entities):
            if part.connector in parents.row:
                yield parents.row[part.connector], other
