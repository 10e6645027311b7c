"""The population of a rule test: descriptions to entities that belong to one another."""

from __future__ import annotations

from collections.abc import Sequence

from watchdog.configuration.places import Place
from watchdog.cycle.self_metrics import watchdog_entity
from watchdog.errors import Mistake
from watchdog.readings.fleet import LABELS, LIST_LABELS, Entity, EntityKey, Kind, LabelValue

#: A description's kind is the first of these keys it has; that key holds the name.
ENTITY_KINDS = (Kind.PIPELINE, Kind.TRANSFORM, Kind.TASK, Kind.TOPIC, Kind.SOURCE, Kind.DESTINATION, Kind.ACCOUNT)
_CONNECTORS = (Kind.SOURCE, Kind.DESTINATION)

Values = dict[str, str | tuple[str, ...]]
Described = tuple[Kind, str, Values, Place]


def populate(described: Sequence[Described], mistakes: list[Mistake]) -> tuple[Entity, ...]:
    """Entities with ids (the name, unless one is given), labels and members; the watchdog is always among them."""
    made: dict[EntityKey, Entity] = {}
    watchdog = watchdog_entity("watchdog")
    made[watchdog.key] = watchdog
    whole = [one for one in described if one[0] not in (Kind.TASK, Kind.TOPIC)]
    parts = [one for one in described if one[0] in (Kind.TASK, Kind.TOPIC)]
    of_pipelines = [one for one in whole if one[0] is Kind.PIPELINE]
    for kind, name, values, place in [*(one for one in whole if one[0] is not Kind.PIPELINE), *of_pipelines]:
        key = EntityKey(kind, str(values.get("id", name)))
        if key in made:
            mistakes.append(place.mistake(f"{kind} '{name}' stands here twice; give one of them an id"))
            continue
        members = _members(name, values, made) if kind is Kind.PIPELINE else ()
        labels = _labels(kind, name, values)
        if kind in (*_CONNECTORS, Kind.TRANSFORM):
            labels["pipelines"] = _pipelines(kind, name, values, of_pipelines)
        made[key] = Entity(key, labels, members=members)
    for kind, name, values, place in parts:
        entity = _part(kind, name, values, made, place, mistakes)
        if entity is not None and entity.key in made:
            mistakes.append(place.mistake(f"{kind} '{name}' stands here twice; give one of the connectors an id"))
        elif entity is not None:
            made[entity.key] = entity
    return tuple(made.values())


def _labels(kind: Kind, name: str, values: Values) -> dict[str, LabelValue]:
    named = (label for label in LABELS[kind] if label != "id")
    labels: dict[str, LabelValue] = {label: () if label in LIST_LABELS else "" for label in named}
    for label, value in values.items():
        if label in LIST_LABELS:
            labels[label] = value if isinstance(value, tuple) else (value,)
        elif label != "id" and isinstance(value, str):
            labels[label] = value
    if "name" in LABELS[kind]:
        labels["name"] = name
    labels["kind"] = str(kind)
    for key in (str(kind), "transforms"):
        if key not in LABELS[kind]:
            labels.pop(key, None)
    return labels


def _pipelines(kind: Kind, name: str, values: Values, pipelines: Sequence[Described]) -> tuple[str, ...]:
    """The pipelines a connector or transform is in: those that name it, and those it is said to be in."""
    said = values.get("pipelines", ())
    found = list(said if isinstance(said, tuple) else (said,))
    for _, pipeline, inside, _ in pipelines:
        named = inside.get(str(kind) if kind is not Kind.TRANSFORM else "transforms", ())
        if name in (named if isinstance(named, tuple) else (named,)) and pipeline not in found:
            found.append(pipeline)
    return tuple(found)


def _members(pipeline: str, values: Values, made: dict[EntityKey, Entity]) -> tuple[EntityKey, ...]:
    """What a pipeline says it is made of, and what says to be in it."""
    found = []
    for kind, label in ((Kind.SOURCE, "source"), (Kind.DESTINATION, "destination"), (Kind.TRANSFORM, "transforms")):
        named = values.get(label, ())
        for name in named if isinstance(named, tuple) else (named,):
            key = next((k for k, e in made.items() if k.kind is kind and name in (k.id, e.labels.get("name"))), None)
            if key is not None:
                found.append(key)
            elif name:
                # a test of the pipeline alone need not describe its ends
                made[EntityKey(kind, name)] = Entity(
                    EntityKey(kind, name), _labels(kind, name, {"pipelines": pipeline})
                )
                found.append(EntityKey(kind, name))
    found += [key for key, entity in made.items() if pipeline in entity.labels.get("pipelines", ())]
    return tuple(dict.fromkeys(found))


def _part(
    kind: Kind, name: str, values: Values, made: dict[EntityKey, Entity], place: Place, mistakes: list[Mistake]
) -> Entity | None:
    """A task or topic, `connector/part`; a connector that is not described is a source."""
    owner, slash, part = name.partition("/")
    if not slash or not part:
        mistakes.append(place.mistake(f"{kind}: '{name}' does not say whose it is; write connector/{kind}"))
        return None
    chosen: tuple[Kind, ...] = _CONNECTORS
    if owner in (*_CONNECTORS, Kind.CONNECTOR) and "/" in part:
        chosen = (Kind(owner),) if owner in _CONNECTORS else _CONNECTORS
        owner, _, part = part.partition("/")
    owners = [one for one in made.values() if one.key.kind in chosen and owner in (one.key.id, one.labels.get("name"))]
    if len(owners) > 1:
        candidates = ", ".join(f"{one.key.kind}/{owner}/{part}" for one in owners)
        mistakes.append(place.mistake(f"{kind}: '{name}' may be any of these: {candidates}"))
        return None
    if owners:
        connector = owners[0]
    else:
        connector = Entity(EntityKey(chosen[0], owner), _labels(chosen[0], owner, {}))
        made[connector.key] = connector
    own = {label: value for label, value in values.items() if label in LABELS[kind] and label not in ("id", str(kind))}
    labels = {**connector.labels, **_only_texts(own), str(kind): part}
    key = EntityKey(kind, f"{connector.key.id}/{part}")
    return Entity(key, labels, connector=connector.key)


def _only_texts(values: Values) -> dict[str, LabelValue]:
    return {
        label: (value if isinstance(value, tuple) else (value,)) if label in LIST_LABELS else value
        for label, value in values.items()
    }
