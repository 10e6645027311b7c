"""The polls of blocks, as whoever plays them meets them. Columns are unpacked when they are first asked for."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from itertools import compress
from typing import BinaryIO

import numpy as np

from watchdog.errors import ApiError
from watchdog.readings.blocks import KINDS, StoredListing, decode, unpack_matrix
from watchdog.readings.fleet import EntityKey, Fleet, Kind, Rows
from watchdog.readings.packing import positions
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import Column, Flags, Floats, Reading, Snapshot

#: What a file of blocks begins with; each block follows its length, and a length of 0 ends the file.
MAGIC = b"watchdog recording 1\n"
_LENGTH = struct.Struct(">I")


def polls_of(blocks: Iterable[bytes], since: float = 0.0) -> Iterator[BlockPoll]:
    """The polls of blocks from `since` on, in order. Raises ValueError for bytes that are no block."""
    first = True
    for data in blocks:
        for poll in Block(data).polls(since=since, first=first):
            yield poll
            first = False


def as_file(blocks: Iterable[bytes], answers: bytes = b"") -> Iterator[bytes]:
    """The pieces of a file that `blocks_of_file` reads. Behind the end, where readers of polls stop, stand `answers`:
    what people did meanwhile."""
    yield MAGIC
    for data in blocks:
        yield _LENGTH.pack(len(data)) + data
    yield _LENGTH.pack(0)
    if answers:
        yield _LENGTH.pack(len(answers)) + answers


def blocks_of_file(file: BinaryIO) -> Iterator[bytes]:
    """The blocks of a file whose `MAGIC` was read; a last block that was cut off is left out."""
    while size := _next_length(file):
        data = file.read(size)
        if len(data) < size:
            return
        yield data


def is_whole(file: BinaryIO) -> bool:
    """Whether a file of blocks has its end: what was cut off on the way has none."""
    if file.read(len(MAGIC)) != MAGIC:
        return False
    while size := _next_length(file):
        file.seek(size, 1)
    return size == 0


def answers_of_file(file: BinaryIO) -> bytes:
    """What stands behind the end of a file of blocks; nothing in one that was made before there was such a thing."""
    if not is_whole(file):
        return b""
    return file.read(_next_length(file) or 0)


def _next_length(file: BinaryIO) -> int | None:
    """None at the end of a file that was cut off."""
    head = file.read(_LENGTH.size)
    return _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else None


class BlockPoll:
    """A poll as a block has it."""

    def __init__(self, block: Block, index: int, listing: Listing | None, failures: Failures) -> None:
        self.at = block.ats[index]
        self.listing = listing
        self.failures = failures
        self._block, self._index = block, index

    def snapshot(self, fleet: Fleet) -> Snapshot:
        block, index = self._block, self._index

        def build(kind: Kind, metric: str) -> Column:
            return block.column(kind, metric, index, fleet)

        def describe(key: EntityKey) -> list[Reading]:
            return block.readings(key, index)

        return Snapshot(self.at, fleet, build=build, describe=describe, names=lambda kind: block.names(kind, index),
                        unobserved={kind: block.unobserved(kind, index, fleet) for kind in KINDS})  # fmt: skip

    def answered(self, fleet: Fleet) -> Mapping[Kind, Floats]:
        return {kind: self._block.answered(kind, self._index, fleet) for kind in KINDS}


class Block:
    """A block that is read. Raises ValueError for bytes that are none."""

    def __init__(self, data: bytes) -> None:
        fleet, self._block = decode(data)
        self.ats = self._block.ats
        self.fleet = [one.entity() for one in fleet]
        self._ids: dict[Kind, list[str]] = {kind: [] for kind in KINDS}
        for entity in self.fleet:
            self._ids[entity.key.kind].append(entity.key.id)
        self._rows = {kind: {id_: row for row, id_ in enumerate(ids)} for kind, ids in self._ids.items()}
        self._columns = {(Kind(one.kind), one.metric): one for one in self._block.columns}
        self._unpacked: dict[tuple[Kind, bytes], Floats] = {}
        self._moves: tuple[Fleet | None, dict[Kind, tuple[Rows, Rows]]] = None, {}

    def polls(self, *, since: float, first: bool) -> Iterator[BlockPoll]:
        """The polls from `since` on. `first`: nothing was read before, so the first of them lists the whole fleet."""
        failures = {
            index: Failures(tuple(map(ApiError, errors)), refused) for index, errors, refused in self._block.errors
        }
        listings = {one.poll: self._listing(one) for one in self._block.listings}
        wanted = [index for index, at in enumerate(self.ats) if at >= since]
        if first and wanted:
            begins = listings.get(wanted[0], Listing((), frozenset()))
            listed = {entity.key for entity in begins.entities}
            rest = [entity for entity in self.fleet if entity.key not in listed]
            listings[wanted[0]] = Listing([*begins.entities, *rest], begins.complete)
        for index in wanted:
            yield BlockPoll(self, index, listings.get(index), failures.get(index, Failures()))

    def names(self, kind: Kind, index: int) -> set[str]:
        """The metrics that some entity of this kind had a reading of at this poll."""
        found = set()
        for one, metric in self._columns:
            if one is kind:
                numbers, codes, _ = self._parts(kind, metric)
                if (~np.isnan(numbers[:, index])).any() or (codes is not None and codes[:, index].any()):
                    found.add(metric)
        return found

    def column(self, kind: Kind, metric: str, index: int, fleet: Fleet) -> Column:
        """Rows as in `fleet`."""
        rows = len(fleet.table(kind))
        if (kind, metric) not in self._columns:
            return Column(np.full(rows, np.nan))
        numbers, codes, times = self._parts(kind, metric)
        old, new = self._places(kind, fleet)
        values = np.full(rows, np.nan)
        values[new] = numbers[old, index]
        texts = None
        if codes is not None:
            texts = np.full(rows, None, dtype=object)
            known = np.array([None, *self._columns[kind, metric].texts], dtype=object)
            texts[new] = known[codes[old, index].astype(np.intp)]
        ats = None
        if times is not None:
            ats = np.full(rows, self.ats[index])
            ats[new] = self.ats[index] - times[old, index] / 1000.0
        return Column(values, texts, ats)

    def readings(self, key: EntityKey, index: int) -> list[Reading]:
        """Every reading of one entity at this poll."""
        row = self._rows.get(key.kind, {}).get(key.id)
        if row is None:
            return []
        found = (self._reading(key.kind, metric, index, row) for kind, metric in self._columns if kind is key.kind)
        return [one for one in found if one is not None]

    def unobserved(self, kind: Kind, index: int, fleet: Fleet) -> Flags:
        packed = self._block.unobserved.get(str(kind))
        flags = np.zeros(len(fleet.table(kind)), dtype=np.bool_)
        if packed is not None:
            old, new = self._places(kind, fleet)
            flags[new] = self._matrix(kind, packed)[old, index] != 0.0
        return flags

    def answered(self, kind: Kind, index: int, fleet: Fleet) -> Floats:
        packed = self._block.answered.get(str(kind))
        found = np.full(len(fleet.table(kind)), np.nan)
        if packed is not None:
            old, new = self._places(kind, fleet)
            found[new] = self.ats[index] - self._matrix(kind, packed)[old, index] / 1000.0
        return found

    def _listing(self, stored: StoredListing) -> Listing:
        same = np.unpackbits(np.frombuffer(stored.same, dtype=np.uint8), count=len(self.fleet)).astype(np.bool_)
        entities = [*compress(self.fleet, same), *(one.entity() for one in stored.others)]
        return Listing(entities, frozenset(map(Kind, stored.complete)))

    def _reading(self, kind: Kind, metric: str, index: int, row: int) -> Reading | None:
        numbers, codes, times = self._parts(kind, metric)
        at = self.ats[index] - (0.0 if times is None else float(times[row, index]) / 1000.0)
        if codes is not None and codes[row, index]:
            return Reading(metric, self._columns[kind, metric].texts[int(codes[row, index]) - 1], at)
        value = float(numbers[row, index])
        return None if np.isnan(value) else Reading(metric, value, at)

    def _parts(self, kind: Kind, metric: str) -> tuple[Floats, Floats | None, Floats | None]:
        """Numbers, text codes and instants of a column, rows by polls."""
        one = self._columns[kind, metric]
        codes = self._matrix(kind, one.codes) if one.codes else None
        times = None if one.times < 0 else self._matrix(kind, self._block.times[one.times])
        return self._matrix(kind, one.values), codes, times

    def _matrix(self, kind: Kind, packed: bytes) -> Floats:
        found = self._unpacked.get((kind, packed))
        if found is None:
            found = self._unpacked[kind, packed] = unpack_matrix(packed, len(self._ids[kind]), len(self.ats))
        return found

    def _places(self, kind: Kind, fleet: Fleet) -> tuple[Rows, Rows]:
        """Where entities of the block are in this fleet's table."""
        if self._moves[0] is not fleet:
            self._moves = fleet, {}
        found = self._moves[1].get(kind)
        if found is None:
            found = self._moves[1][kind] = positions(self._ids[kind], fleet.table(kind).ids)
        return found
