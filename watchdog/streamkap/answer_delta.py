"""Bulk answers, decoded only where their bytes differ from the last answer to the same request.

An answer is split at each `}`. A piece that is equal to the last answer's piece is not decoded again; of a piece that
differs the entity's object is decoded, and its values are put into copies of the last columns. Where too much differs
the whole answer is decoded, and pieces are not compared for some polls.

Gain (`bench_cycle.py 3000 cpu`): with 1 % of the tasks changed, bytes to verdicts take 1.1 times `orjson.loads` of the
same answers instead of 2.15. Where everything changes, a comparison costs 0.2 of it at two of twenty-two polls.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, count
from operator import ne
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET
from msgspec.structs import astuple

from watchdog.streamkap.known_shape import (
    BENEATH,
    UNREADABLE,
    Block,
    Form,
    MetricsReader,
    PlainDocument,
    Values,
    columns_of,
    is_sensitive,
)
from watchdog.streamkap.wire import Answer

#: Of all pieces so many may differ; with more the whole answer is decoded.
_MOST_CHANGED = 0.3
#: Answers that are decoded whole after one that had changed too much.
_PAUSE = 20


class DeltaReader:
    """Reads bulk answers like `MetricsReader`; not to be used by two threads at once.

    `request` tells answers to different requests apart.
    """

    def __init__(self) -> None:
        self._whole = MetricsReader()
        self._last: dict[object, _Last] = {}
        self._reads = 0

    def read(self, what: str, answer: Answer, request: object = None) -> Any:
        """A PlainDocument, or JSON in some other shape; `recognise` reads both. Raises ShapeError."""
        last = self._of(request)
        if last.pause > 0:
            last.pause -= 1
            return self._whole.read(what, answer)
        pieces = answer.body.split(b"}")
        changed = _differing(last.pieces, pieces)
        if last.layout is not None and changed is not None:
            document = last.layout.patched(pieces, changed)
            if document is not None:
                last.pieces = pieces
                return document
        found = self._whole.read(what, answer)
        few = changed is not None and len(changed) <= _MOST_CHANGED * len(pieces)
        last.layout = _layout(self._whole.form, found, pieces) if few else None
        last.pause = 0 if few or not last.pieces else _PAUSE
        last.pieces = pieces if not last.pause else []
        return found

    @property
    def kept(self) -> int:
        """How many requests' last answers are kept."""
        return len(self._last)

    def _of(self, request: object) -> _Last:
        """The last answer to this request. Of requests that are not made any more none is kept."""
        self._reads += 1
        last = self._last.pop(request, None) or _Last()
        last.read = self._reads
        self._last[request] = last  # the one that waits longest stands first
        oldest = next(iter(self._last))
        if self._reads - self._last[oldest].read > 2 * len(self._last):
            del self._last[oldest]
        return last


@dataclass(slots=True)
class _Last:
    """The last answer to one request. `layout` is None while nobody knows which piece is whose."""

    read: int = 0
    pieces: list[bytes] = field(default_factory=list)
    layout: _Layout | None = None
    pause: int = 0


@dataclass(slots=True)
class _Layout:
    """Whose object ends each piece: the length of the text before it, its group, and its row in the group's block."""

    form: Form
    account: Mapping[str, Any]
    owners: Mapping[int, tuple[int, str, int]]
    blocks: dict[str, Block]
    before: list[bytes]

    def patched(self, pieces: list[bytes], changed: Sequence[int]) -> PlainDocument | None:
        """The document with the pieces that changed; None where anything but values of entities did.

        All other text is the last answer's, and each new object is complete JSON: the answer as a whole is therefore
        the last one with other objects in the same places.
        """
        entities: dict[str, list[Any]] = {}
        rows: dict[str, list[int]] = {}
        for place in changed:
            owner = self.owners.get(place)
            piece, before = pieces[place], self.before[place]
            if owner is None or not piece.startswith(before[: owner[0]]):
                return None
            start, group, row = owner
            try:
                entity = self.form.entities[group](piece[start:] + b"}")
            except UNREADABLE:
                return None
            entities.setdefault(group, []).append(entity)
            rows.setdefault(group, []).append(row)
        if any(self._bare(group, rows[group], found) for group, found in entities.items()):
            return None
        for group, found in entities.items():
            self.blocks[group] = _with(self.blocks[group], self.form.metrics[group], rows[group], found)
        self.before = pieces
        return self.document()

    def _bare(self, group: str, rows: Sequence[int], entities: Sequence[Any]) -> bool:
        """Whether one of these connectors has or had no metrics at all: the block names those."""
        if BENEATH[group]:
            return False
        block, metrics = self.blocks[group], self.form.metrics[group]
        seen = [place for place, name in enumerate(metrics) if not is_sensitive(name)]
        values = map(astuple, entities)
        return any(all(one[place] is UNSET for place in seen) for one in values) or any(
            block.names.owners[row] in block.bare for row in rows
        )

    def document(self) -> PlainDocument:
        """Readers add columns to what they get: they get copies."""
        blocks = {group: Block(one.names, dict(one.columns), one.bare) for group, one in self.blocks.items()}
        return PlainDocument(self.account, blocks)


def _differing(before: Sequence[bytes], pieces: Sequence[bytes]) -> list[int] | None:
    """The places of pieces that are not as before; None where there is another number of them, or none before."""
    if len(before) != len(pieces):
        return None
    return list(compress(count(), map(ne, before, pieces)))


def _with(block: Block, metrics: Sequence[str], rows: list[int], entities: Sequence[Any]) -> Block:
    """A block with these entities in these rows; columns whose values are the same are the same columns."""
    columns = dict(block.columns)
    for name, values in zip(metrics, zip(*map(astuple, entities), strict=True), strict=True):
        if not is_sensitive(name):
            columns[name] = _put(columns[name], rows, values)
    return Block(block.names, columns, block.bare)


def _put(column: Values, rows: list[int], values: tuple[Any, ...]) -> Values:
    if isinstance(column, np.ndarray):
        try:
            numbers = np.frombuffer(struct.pack(f"{len(values)}d", *values))
        except struct.error:
            column = column.tolist()
        else:
            if np.array_equal(column[rows], numbers):
                return column
            changed = column.copy()
            changed[rows] = numbers
            return changed
    if all(type(column[row]) is type(value) and column[row] == value for row, value in zip(rows, values, strict=True)):
        return column
    listed: list[Any] = list(column)
    for row, value in zip(rows, values, strict=True):
        listed[row] = value
    return listed


def _layout(form: Form, document: Any, pieces: list[bytes]) -> _Layout | None:
    """Which piece is whose, proved by decoding each alone; None where that is not certain."""
    if not isinstance(document, PlainDocument):
        return None
    expected = list(_in_order(document.blocks))
    owners: dict[int, tuple[int, str, int]] = {}
    decoded: dict[str, list[Any]] = {group: [] for group in document.blocks}
    for place, piece in enumerate(pieces):
        start = piece.rfind(b"{")
        if start < 0 or len(owners) == len(expected):
            continue
        group, row, names = expected[len(owners)]
        before = piece[:start].rstrip().removesuffix(b":").rstrip()
        if not before.endswith(names[-1]) or not all(name in before for name in names):
            continue
        try:
            decoded[group].append(form.entities[group](piece[start:] + b"}"))
        except UNREADABLE:
            return None
        owners[place] = start, group, row
    if len(owners) != len(expected):
        return None
    for group, block in document.blocks.items():
        found = columns_of(decoded[group], form.metrics[group])
        if found.keys() != block.columns.keys() or any(not _same(found[name], block.columns[name]) for name in found):
            return None
    # the reader's caller may add columns to the document: keep others
    kept = {group: Block(one.names, dict(one.columns), one.bare) for group, one in document.blocks.items()}
    return _Layout(form, document.account, owners, kept, pieces)


def _in_order(blocks: Mapping[str, Block]) -> Iterator[tuple[str, int, list[bytes]]]:
    """Group, row and the names that stand before each entity's object, as the API sends them; the last is nearest."""
    for group, block in blocks.items():
        names = block.names
        last = None
        for row, owner in enumerate(names.owners):
            child = [] if names.children is None else [names.children[row]]
            new = [owner] if owner != last or names.children is None else []
            yield group, row, [_quoted(name) for name in ([group] if row == 0 else []) + new + child]
            last = owner


def _quoted(name: str) -> bytes:
    return msgspec.json.encode(name)


def _same(one: Values, other: Values) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return isinstance(one, list) and isinstance(other, list) and one == other
