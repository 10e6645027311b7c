"""Which part of a metrics answer belongs to which entity, in whatever shape it came.

The API publishes five groups and nothing of what is in them. Known ids are what can be held on to: they are looked
for at any depth, as keys or in rows. The usual shapes, id → metric → value and id → task → metric → value, are taken as
they are without a look at the values (known_shape.py); every other one is walked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from watchdog.readings.catalogue import CATALOGUE
from watchdog.streamkap.known_shape import SENSITIVE, TELLING, Metrics, PlainDocument
from watchdog.streamkap.metrics_answer import Found, Group
from watchdog.streamkap.unknown_shape import GROUPS, ID, MAX_DEPTH, Place, Walk

#: Wrappers around all groups of an answer.
_OUTER = ("data", "result", "results", "response")
#: Names that make an object more than metrics: it is a row, an entry, or holds what must not be kept.
_SPECIAL = TELLING | SENSITIVE


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
            Walk(group, ids, into, only="").walk(part, Place("", None))
            continue
        rest = _taken(group or Group.ENTITY, part, ids, into) if isinstance(part, dict) else part
        if rest:
            walk = Walk(group or Group.ENTITY, ids, into, only=only, catalogued=group is None)
            assumed = only if only is not None and not walk.mentions(part, 0) else None
            if group is None and assumed is not None and not _speaks_of_metrics(part):
                continue
            walk.walk(rest, Place(assumed, None))


def _groups(node: Any, depth: int) -> Iterator[tuple[Group | None, Any]]:
    """The five groups, also inside wrappers; the answer itself (None) where there are none."""
    wrapped = node
    while isinstance(wrapped, dict) and depth < MAX_DEPTH:
        present = [name for name in GROUPS if name in wrapped]
        if present:
            for name in present:
                yield GROUPS[name], wrapped[name]
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
        by_id = not strangers or (only is None and all(map(ID.fullmatch, strangers)))
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
