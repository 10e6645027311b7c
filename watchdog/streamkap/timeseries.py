"""What the API remembers: every entity's readings of the last hours, in order of time, to replay rules over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watchdog.errors import ApiError
from watchdog.readings.fleet import Entity, EntityKey, Kind
from watchdog.readings.poll import Failures
from watchdog.streamkap.budget import Budget
from watchdog.streamkap.children import Children
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.collection import COLLECTIONS, name_task_states
from watchdog.streamkap.entities import EntityBuilder, name_of, pipelines_by_member
from watchdog.streamkap.metrics_answer import Found, Group
from watchdog.streamkap.pages import Item
from watchdog.streamkap.poll import failures_of
from watchdog.streamkap.queries import MetricsQuery
from watchdog.streamkap.shapes import recognise
from watchdog.streamkap.value import ApiValue, series

_CONNECTORS = (Kind.SOURCE, Kind.DESTINATION)
#: How many timeouts the whole of it may take: hours of readings of every entity are no poll.
_PATIENCE = 15

Series = Mapping[str, Sequence[ApiValue]]


@dataclass(frozen=True, slots=True)
class Past:
    """Entities as they are listed now, and what was read of them.

    `readings[key][metric]` are values with their instants (seconds since the epoch), oldest first, each instant once.
    States that only listings tell (`desired_state`, often `task_status`) have no past.
    """

    entities: Sequence[Entity]
    readings: Mapping[EntityKey, Series]
    failures: Failures


def read_past(client: StreamkapClient, since: float, until: float, *, step: float = 60.0) -> Past:
    """The `timeseries` between two instants, one value every `step` seconds (whole minutes) as far as the API has them.

    Bulk endpoints are asked first, each entity's own where they tell nothing. Raises ApiError if not even the lists of
    sources and destinations can be read.
    """
    budget = client.budget(_PATIENCE * client.timeout)
    query = MetricsQuery(
        time_type="timeseries",
        timestamp_from=since,
        timestamp_to=until,
        time_unit="minute",
        time_interval=max(1, round(step / 60)),
    )
    items: dict[Kind, list[Item]] = {}
    errors: list[ApiError] = []
    for kind, collection in COLLECTIONS.items():
        pages = client.listed(f"/{collection}", budget)
        if pages.error is not None:
            if kind in _CONNECTORS:
                raise pages.error
            errors.append(pages.error)
        items[kind] = pages.items
    children = {kind: Children() for kind in _CONNECTORS}
    readings: dict[EntityKey, Series] = {}
    for kind in (*_CONNECTORS, Kind.PIPELINE):
        found = _measured(client, kind, [item["id"] for item in items[kind]], query, errors, budget)
        name_task_states(found)
        if kind in children:
            children[kind].of(items[kind])  # learns the topics' names
            children[kind].rename_topics(found)
            children[kind].note(until, found)
        _add(readings, kind, found, since, until)
    return Past(_entities(items, children), readings, failures_of(errors))


def _measured(
    client: StreamkapClient, kind: Kind, ids: Sequence[str], query: MetricsQuery, errors: list[ApiError], budget: Budget
) -> Found:
    found, known = Found(), dict.fromkeys(ids)
    alone: list[str] = []
    for chunk in client.metrics_of_all(COLLECTIONS[kind], ids, budget, query):
        if isinstance(chunk.answer, ApiError):
            errors.append(chunk.answer)
            continue
        recognise(chunk.answer, known, found, only=chunk.ids[0] if len(chunk.ids) == 1 else None)
        alone += [id for id in chunk.ids if id not in found.answered]
    if kind is Kind.PIPELINE:
        return found  # the endpoint of a single one knows the latest only
    answers = client.together(lambda id: client.metrics_of(COLLECTIONS[kind], id, query, budget), alone, budget)
    for id, answer in zip(alone, answers, strict=True):
        if not isinstance(answer, ApiError):
            recognise(answer, known, found, only=id)
        elif answer.status != 404:
            errors.append(answer)
    return found


def _add(readings: dict[EntityKey, Series], kind: Kind, found: Found, since: float, until: float) -> None:
    for group, of in ((Group.ENTITY, kind), (Group.INLINE, kind), (Group.TASK, Kind.TASK), (Group.TOPIC, Kind.TOPIC)):
        for id, metrics in found.spread(group).items():
            known = dict(readings.get(EntityKey(of, id), {}))
            for name, raw in metrics.items():
                values = [one for one in series(name, raw) if one.at is not None and since <= one.at <= until]
                if len(values) > len(known.get(name, ())):
                    known[name] = values
            if known:
                readings[EntityKey(of, id)] = known


def _entities(items: Mapping[Kind, Sequence[Item]], children: Mapping[Kind, Children]) -> list[Entity]:
    entity_builder = EntityBuilder()
    memberships = pipelines_by_member(items[Kind.PIPELINE])
    names = {EntityKey(kind, item["id"]): name_of(item) for kind in _CONNECTORS for item in items[kind]}
    entities = [entity_builder.account(items)]
    for kind in _CONNECTORS:
        entities += entity_builder.connectors(kind, items[kind], children[kind].of(items[kind]), memberships)
    entities += entity_builder.pipelines(items[Kind.PIPELINE], names)
    entities += entity_builder.transforms(items[Kind.TRANSFORM], memberships)
    return entities
