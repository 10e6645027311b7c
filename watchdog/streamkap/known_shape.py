"""Bulk answers in their most likely shape, id → metric → value and id → task → metric → value, read metric by metric.

Which metrics there are is learned from the answers themselves. From then on an entity is decoded into an object that
has a place for each of them, and some hundred of those at a time are turned into columns, while they are still in the
processor's cache: no dictionary is made, and after a moment no object is left.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, compress, repeat
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from msgspec.structs import astuple

from watchdog.readings.catalogue import CATALOGUE
from watchdog.readings.fleet import Rows
from watchdog.readings.snapshot import Floats
from watchdog.streamkap.answers import document
from watchdog.streamkap.value import TIME_FIELDS
from watchdog.streamkap.wire import Answer

#: Metrics of one entity: name to raw value, as `leaf` reads it.
Metrics = dict[str, Any]
#: One metric of many entities: numbers where there is nothing else, otherwise raw values, UNSET where there is none.
Values = Floats | list[Any]

SENSITIVE = frozenset(name for name, metric in CATALOGUE.items() if metric.sensitive)
#: Names that make an object more than metrics: it is a row of a table, or an entry of a series.
TELLING = frozenset({"value", *TIME_FIELDS})
#: More names than this in one group are no metrics: something else stands in their place.
_MOST_NAMES = 300
#: Answers whose names are remembered; each holds up to 500 ids.
_MOST_KNOWN = 500
#: What a metric may be called to be decoded by name; answers with other names are read value by value.
_ORDINARY_NAME = re.compile(r'[^"\\\x00-\x1f\ud800-\udfff]{1,200}')
#: So many objects with twenty metrics each fit into a processor's cache.
_AT_ONCE = 500
#: The groups of an answer, and whether their entities are tasks or topics beneath an id.
BENEATH = {"connector_metrics": False, "inline_metrics": False, "task_metrics": True, "topic_metrics": True}
#: Numbers are decoded as what columns hold. A list is a series.
_Value = float | str | bool | list[Any] | None | UnsetType
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def is_sensitive(name: str) -> bool:
    """Whether readings of this metric may hold rows' contents: so says the catalogue, or its name `…LastEvent`."""
    return name in SENSITIVE or (name.endswith("LastEvent") and not name.endswith("SinceLastEvent"))


class Names:
    """Whose metrics a block holds, row by row: `keys` are ids, or `<id>/<task or topic>`; `owners` the ids alone.

    `ids` are all that the answer names, also those that it names no task or topic of.
    """

    def __init__(self, ids: Sequence[str], owners: Sequence[str], children: Sequence[str] | None = None) -> None:
        self.ids = ids
        self.owners = owners
        self.children = children
        self._placed: tuple[Mapping[str, int], Rows] = ({}, np.zeros(0, dtype=np.intp))

    @cached_property
    def keys(self) -> list[str]:
        if self.children is None:
            return list(self.owners)
        return [f"{owner}/{child}" for owner, child in zip(self.owners, self.children, strict=True)]

    def rows(self, place: Mapping[str, int]) -> Rows:
        """Their rows in a table, -1 for those it lacks; looked up once for as long as it is the same table."""
        if self._placed[0] is not place:
            rows = np.fromiter(map(place.get, self.keys, repeat(-1)), dtype=np.intp, count=len(self.keys))
            self._placed = place, rows
        return self._placed[1]


@dataclass(frozen=True, slots=True)
class Block:
    """Metrics of many entities, a column each. `bare` are those of a connector's own group that have none at all."""

    names: Names
    columns: dict[str, Values]
    bare: frozenset[str] = frozenset()

    @property
    def keys(self) -> Sequence[str]:
        return self.names.keys

    def metrics(self, row: int) -> Metrics:
        """All metrics of one entity."""
        found = {name: values[row] for name, values in self.columns.items()}
        return {name: float(value) if isinstance(value, np.float64) else value
                for name, value in found.items() if value is not UNSET}  # fmt: skip

    def without(self, gone: Collection[str]) -> Block:
        """Without what belongs to these owners."""
        owners, children = self.names.owners, self.names.children
        kept = [owner not in gone for owner in owners]
        names = Names(
            [id for id in self.names.ids if id not in gone],
            list(compress(owners, kept)),
            None if children is None else list(compress(children, kept)),
        )
        return Block(names, {name: _compressed(values, kept) for name, values in self.columns.items()})

    def as_sent(self) -> dict[str, Any]:
        """The group as the API sent it, to be looked at closely."""
        group: dict[str, Any] = {id: {} for id in self.names.ids}
        for row, owner in enumerate(self.names.owners):
            metrics = {name: _as_sent(value) for name, value in self.metrics(row).items()}
            if self.names.children is None:
                group[owner] = metrics
            else:
                group[owner][self.names.children[row]] = metrics
        return group


@dataclass(frozen=True, slots=True)
class PlainDocument:
    """A bulk answer in its most likely shape: its groups by name, those that are not empty."""

    account: Mapping[str, Any]
    blocks: Mapping[str, Block]


class MetricsReader:
    """Reads the bulk answers of one kind of entities; remembers which metrics they have. Any thread may use it."""

    def __init__(self) -> None:
        self.form = Form.of(dict.fromkeys(BENEATH, ()), _Directory())

    def read(self, what: str, answer: Answer) -> Any:
        """A PlainDocument, or JSON in some other shape; `recognise` reads both. Raises ShapeError."""
        try:
            return self.form.read(answer.body)
        except UNREADABLE:
            pass
        found = document(what, answer)
        form = self.form.learned(found)
        if form is None:
            return found
        self.form = form
        try:
            return form.read(answer.body)
        except UNREADABLE:
            return found


@dataclass(frozen=True, slots=True)
class Form:
    """Which metrics each group has, and what decodes them; another one is an error.

    They stand in the order in which the API sends them: decoding then finds each where it expects it.
    """

    metrics: Mapping[str, tuple[str, ...]]
    directory: _Directory
    decode: Callable[[bytes], Any]
    #: What decodes one entity of each group.
    entities: Mapping[str, Callable[[bytes], Any]]

    @classmethod
    def of(cls, metrics: Mapping[str, tuple[str, ...]], directory: _Directory) -> Form:
        parts: list[tuple[str, Any, Any]] = [("account_metrics", dict[str, Any] | None, None)]
        entities = {}
        for group, beneath in BENEATH.items():
            one = _entity(metrics[group])
            entities[group] = msgspec.json.Decoder(one).decode
            part: Any = dict[str, dict[str, one]] if beneath else dict[str, one]  # type: ignore[valid-type]
            parts.append((group, part | None, None))
        made = msgspec.defstruct("Document", parts, forbid_unknown_fields=True)
        return cls(metrics, directory, msgspec.json.Decoder(made).decode, entities)

    def read(self, body: bytes) -> PlainDocument:
        found = self.decode(body)
        blocks = {}
        for group, beneath in BENEATH.items():
            part = getattr(found, group)
            if part:
                blocks[group] = self._block(group, part, beneath=beneath)
        return PlainDocument(found.account_metrics or {}, blocks)

    def _block(self, group: str, part: dict[str, Any], *, beneath: bool) -> Block:
        entities = list(chain.from_iterable(map(dict.values, part.values())) if beneath else part.values())
        for place in (f"m{place}" for place, name in enumerate(self.metrics[group]) if is_sensitive(name)):
            for entity in entities:
                setattr(entity, place, UNSET)
        bare: frozenset[str] = frozenset()
        if not beneath:
            nothing = type(entities[0])()
            bare = frozenset(owner for owner, entity in part.items() if entity == nothing)
        names = self.directory.names(group, part, beneath=beneath)
        return Block(names, columns_of(entities, self.metrics[group]), bare)

    def learned(self, found: Any) -> Form | None:
        """With the names of an answer as well; None where it has none that are new, or another shape."""
        if not isinstance(found, dict) or not found.keys() <= {"account_metrics", *BENEATH}:
            return None
        metrics = {}
        for group, beneath in BENEATH.items():
            entities = _entities(found.get(group), beneath=beneath)
            if entities is None:
                return None
            metrics[group] = tuple(dict.fromkeys(chain(self.metrics[group], *entities)))
            if len(metrics[group]) > _MOST_NAMES or not TELLING.isdisjoint(metrics[group]):
                return None
            if not all(map(_ORDINARY_NAME.fullmatch, metrics[group])):
                return None
        return None if metrics == self.metrics else Form.of(metrics, self.directory)


class _Directory:
    """The names of former answers: nearly always the next answer is about the same entities, and has them from here."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[list[str], list[int], list[str], Names]] = {}

    def names(self, group: str, part: Mapping[str, Any], *, beneath: bool) -> Names:
        ids = list(part)
        sizes = list(map(len, part.values())) if beneath else []
        children = list(chain.from_iterable(part.values())) if beneath else []
        place = group, ids[0] if ids else ""
        known = self._known.get(place)
        if known is not None and known[:3] == (ids, sizes, children):
            return known[3]
        owners = list(chain.from_iterable(map(repeat, ids, sizes))) if beneath else ids
        made = Names(ids, owners, children if beneath else None)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[place] = ids, sizes, children, made
        return made


def _entities(part: Any, *, beneath: bool) -> list[Metrics] | None:
    """The dictionaries of metrics in a group; None where it holds anything else."""
    found: list[Any] = [] if part is None else list(part.values()) if isinstance(part, dict) else [part]
    if beneath and all(isinstance(children, dict) for children in found):
        found = [metrics for children in found for metrics in children.values()]
    return found if all(isinstance(metrics, dict) for metrics in found) else None


def _entity(metrics: Sequence[str]) -> type[msgspec.Struct]:
    """What an entity is decoded into: a place for each metric, in order. JSON has no cycles to be collected."""
    fields = [(f"m{place}", _Value, msgspec.field(name=name, default=UNSET)) for place, name in enumerate(metrics)]
    return msgspec.defstruct("Entity", fields, gc=False, forbid_unknown_fields=True)


def columns_of(entities: Sequence[Any], names: Sequence[str]) -> dict[str, Values]:
    """Metric by metric what stands entity by entity; what is sensitive is dropped."""
    parts: dict[str, list[Any]] = {name: [] for name in names}
    for start in range(0, len(entities), _AT_ONCE):
        columns = zip(*map(astuple, entities[start : start + _AT_ONCE]), strict=True)
        for name, values in zip(names, columns, strict=True):
            if not is_sensitive(name):
                parts[name].append(_packed(values))
    return {name: _joined(found) for name, found in parts.items() if found}


def _packed(values: tuple[Any, ...]) -> bytes | tuple[Any, ...]:
    """Numbers as the bytes of an array, which is the quickest way into one; everything else as it is."""
    try:
        return struct.pack(f"{len(values)}d", *values)
    except struct.error:
        return values


def _joined(parts: list[bytes | tuple[Any, ...]]) -> Values:
    if all(type(part) is bytes for part in parts):
        return np.frombuffer(bytearray().join(parts), np.float64)  # type: ignore[arg-type]
    return list(chain.from_iterable(np.frombuffer(part).tolist() if type(part) is bytes else part for part in parts))


def _compressed(values: Values, kept: list[bool]) -> Values:
    return list(compress(values, kept)) if isinstance(values, list) else values[np.array(kept, dtype=np.bool_)]


def _as_sent(value: Any) -> Any:
    """Numbers without a fraction are integers again, as the numbers of tasks are."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
