"""Naming: how people write an entity, `[kind/]name[/task-or-topic]` or its id, and which one they mean."""

from __future__ import annotations

from collections.abc import Iterable

from watchdog.errors import ConfigError
from watchdog.readings.fleet import Entity, Kind
from watchdog.spelling import did_you_mean

#: So many candidates are listed where nothing like a name is there.
_FEW = 10


class UnknownEntityError(ConfigError):
    """No entity, or more than one, is called so; the text lists the candidates."""


def names_of(entity: Entity) -> set[str]:
    """Everything an entity may be called."""
    key, name = entity.key, entity.name
    kinds = {str(key.kind), str(entity.labels.get("kind", key.kind))}
    if key.kind in (Kind.SOURCE, Kind.DESTINATION):
        kinds.add("connector")
    found = {name, key.id}
    return found | {f"{kind}/{one}" for kind in kinds for one in found}


def resolve(text: str, entities: Iterable[Entity], kind: Kind | None = None) -> Entity:
    """The entity that `text` names; `kind` narrows the choice. Raises UnknownEntityError with candidates otherwise."""
    among = [one for one in entities if kind is None or one.key.kind is kind or _is_connector(one, kind)]
    by_id = [one for one in among if text in (one.key.id, str(one.key))]
    found = by_id or [one for one in among if text in names_of(one)]
    if len(found) == 1:
        return found[0]
    if found:
        candidates = ", ".join(sorted(f"{one.key.kind}/{one.name} ({one.key.id})" for one in found))
        raise UnknownEntityError(f"'{text}' may be any of these: {candidates}; write the kind in front, or the id")
    hint = did_you_mean(text, sorted({one.name for one in among}))
    if not hint and 0 < len(among) <= _FEW:
        hint = f"; there are {', '.join(sorted(f'{one.key.kind}/{one.name}' for one in among))}"
    hint = hint or "; write [kind/]name[/task-or-topic], or the id"
    raise UnknownEntityError(f"no entity is called '{text}'{hint}")


def _is_connector(entity: Entity, kind: Kind) -> bool:
    return kind is Kind.CONNECTOR and entity.key.kind in (Kind.SOURCE, Kind.DESTINATION)
