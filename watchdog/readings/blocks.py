"""Blocks: consecutive polls of one fleet as compressed columns, which the recording in the database is made of.

A column is one metric of one kind, rows by polls. Numbers are stored as the first poll's values and the steps between
polls: most are zero or small. The bytes of all steps are grouped by significance, and zlib packs the whole block.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import msgspec
import numpy as np
import numpy.typing as npt

from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Fleet, Kind
from watchdog.readings.poll import Failures, Listing, Poll
from watchdog.readings.reading_age import METRIC as READING_AGE
from watchdog.readings.snapshot import Column, Flags, Floats, Snapshot, Texts

#: Whoever plays the polls adds the watchdog's own readings.
KINDS: tuple[Kind, ...] = tuple(kind for kind in REAL_KINDS if kind is not Kind.WATCHDOG)
#: Measured on a simulated fleet: level 6 saves a tenth over level 3 and takes twice its time.
_LEVEL = 3
#: Whole numbers up to here, and the differences between them, are exact.
_WHOLE = 2.0**52
_WIDTHS = (1, 2, 4, 8)


class StoredEntity(msgspec.Struct, omit_defaults=True):
    """An entity as recordings write it."""

    kind: str
    id: str
    labels: dict[str, str | list[str]]
    connector: tuple[str, str] | None = None
    members: list[tuple[str, str]] = []  # msgspec copies it
    lists: list[str] = []

    @classmethod
    def of(cls, one: Entity) -> StoredEntity:
        return cls(
            str(one.key.kind), one.key.id,
            {name: value if isinstance(value, str) else list(value) for name, value in one.labels.items()},
            None if one.connector is None else (str(one.connector.kind), one.connector.id),
            [(str(member.kind), member.id) for member in one.members],
            sorted(one.lists),
        )  # fmt: skip

    def entity(self) -> Entity:
        """Raises ValueError for a kind that does not exist."""
        return Entity(
            EntityKey(Kind(self.kind), self.id),
            {name: value if isinstance(value, str) else tuple(value) for name, value in self.labels.items()},
            None if self.connector is None else EntityKey(Kind(self.connector[0]), self.connector[1]),
            tuple(EntityKey(Kind(kind), id_) for kind, id_ in self.members),
            frozenset(self.lists),
        )


class StoredListing(msgspec.Struct):
    poll: int
    complete: list[str]
    same: bytes  #: a bit for each entity of the block's fleet: listed as it is there
    others: list[StoredEntity]


class StoredColumn(msgspec.Struct):
    kind: str
    metric: str
    values: bytes
    texts: list[str]
    codes: bytes  #: per reading: 0 no text, else the text's place + 1; empty where the column has no text
    times: int  #: place in `times`; -1: every reading has the poll's own instant


class StoredPolls(msgspec.Struct):
    ats: list[float]
    listings: list[StoredListing]
    errors: list[tuple[int, list[str], bool]]  #: poll, errors, refused
    columns: list[StoredColumn]
    times: list[bytes]
    unobserved: dict[str, bytes]
    answered: dict[str, bytes]


class StoredBlock(msgspec.Struct):
    fleet: bytes  #: StoredEntity of every entity, in the order of the columns' rows
    polls: bytes  #: StoredPolls


@dataclass(frozen=True, slots=True)
class KeptPoll:
    """A judged poll while its block is open: its columns, without the API's answers."""

    at: float
    listing: Listing | None
    failures: Failures
    columns: Mapping[tuple[Kind, str], Column]
    unobserved: Mapping[Kind, Flags]
    answered: Mapping[Kind, Floats]

    @property
    def values(self) -> int:
        """How many numbers it holds."""
        return sum(len(column.numbers) for column in self.columns.values())


def keep(poll: Poll, snapshot: Snapshot) -> KeptPoll:
    """The part of a judged poll that a block is made of. The decoder dropped sensitive readings before."""
    kinds = [kind for kind in KINDS if len(snapshot.fleet.table(kind))]
    columns = {
        (kind, metric): snapshot.column(kind, metric)
        for kind in kinds for metric in snapshot.names(kind) if metric != READING_AGE
    }  # fmt: skip
    answered = poll.answered(snapshot.fleet)
    return KeptPoll(poll.at, poll.listing, poll.failures, columns, {kind: snapshot.unobserved(kind) for kind in kinds},
                    {kind: answered[kind] for kind in kinds if kind in answered})  # fmt: skip


def pack_fleet(fleet: Fleet) -> bytes:
    """The entities of a fleet, for every block of it: a thousand connectors take longer than the readings of a poll."""
    return _packed([StoredEntity.of(one) for kind in KINDS for one in fleet.table(kind).entities])


def encode(fleet: Fleet, packed_fleet: bytes, polls: Sequence[KeptPoll]) -> bytes:
    """One block; every poll was judged with this fleet, `packed_fleet` is what `pack_fleet` makes of it."""
    kinds = [kind for kind in KINDS if len(fleet.table(kind))]
    ats = np.array([poll.at for poll in polls])
    times: dict[bytes, int] = {}
    columns = []
    for kind, metric in sorted({name for poll in polls for name in poll.columns}):
        rows = len(fleet.table(kind))
        found = [poll.columns.get((kind, metric)) for poll in polls]
        numbers = np.stack([np.full(rows, np.nan) if one is None else one.numbers for one in found], axis=1)
        texts, codes = _texts(found, rows)
        place = -1
        if any(one is not None and one.times is not None for one in found):
            own = [None if one is None else one.times for one in found]
            place = times.setdefault(_instants(own, ats, rows), len(times))
        columns.append(StoredColumn(str(kind), metric, pack_matrix(numbers), texts, codes, place))
    stored = StoredPolls(
        [float(at) for at in ats],
        [_listing(index, poll.listing, fleet) for index, poll in enumerate(polls) if poll.listing is not None],
        [(index, [str(error) for error in poll.failures.errors], poll.failures.refused)
         for index, poll in enumerate(polls) if poll.failures],
        columns,
        list(times),
        {str(kind): pack_matrix(np.stack([poll.unobserved[kind] for poll in polls], axis=1).astype(np.float64))
         for kind in kinds if any(poll.unobserved[kind].any() for poll in polls)},
        {str(kind): _instants([_or_nan(poll.answered.get(kind), len(fleet.table(kind))) for poll in polls], ats,
                              len(fleet.table(kind))) for kind in kinds},
    )  # fmt: skip
    return msgspec.msgpack.encode(StoredBlock(packed_fleet, _packed(stored)))


def decode(data: bytes) -> tuple[list[StoredEntity], StoredPolls]:
    """Raises ValueError for bytes that are no block."""
    try:
        block = msgspec.msgpack.decode(data, type=StoredBlock)
        fleet = msgspec.msgpack.decode(zlib.decompress(block.fleet), type=list[StoredEntity])
        return fleet, msgspec.msgpack.decode(zlib.decompress(block.polls), type=StoredPolls)
    except (zlib.error, msgspec.MsgspecError) as cause:
        raise ValueError(f"is no block of a recording: {cause}") from cause


def _packed(value: object) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(value), _LEVEL)


def pack_matrix(matrix: Floats) -> bytes:
    """Rows by polls, as `unpack_matrix` reads them; every bit of a number that is not whole is kept."""
    missing = np.isnan(matrix)
    filled = np.where(missing, 0.0, matrix)
    whole = bool(np.all((np.abs(filled) < _WHOLE) & (filled == np.floor(filled))))
    if whole:
        numbers = filled.astype("<i8")
        steps = np.diff(numbers, axis=1)
        packed = ((steps << 1) ^ (steps >> 63)).view("<u8")  # small steps in both directions have few bytes
        first = numbers[:, :1]
    else:
        bits = np.ascontiguousarray(filled, dtype="<f8").view("<u8")
        packed = bits[:, 1:] ^ bits[:, :-1]
        first = bits[:, :1]
    most = int(packed.max(initial=0))
    width = 0 if not most else next(one for one in _WIDTHS if most < 1 << 8 * one)
    flags = np.packbits(missing).tobytes() if missing.any() else b""
    head = bytes([whole, bool(flags), width])
    return head + flags + _grouped(first, 8) + (_grouped(packed, width) if width else b"")


def unpack_matrix(data: bytes, rows: int, polls: int) -> Floats:
    """Raises ValueError where the bytes are not such a matrix."""
    whole, has_flags, width = data[0], data[1], data[2]
    at = 3
    size = (rows * polls + 7) // 8 if has_flags else 0
    flags, at = data[at : at + size], at + size
    first, at = _together(data[at : at + 8 * rows], rows, 1, 8), at + 8 * rows
    packed = _together(data[at:], rows, polls - 1, width) if width else np.zeros((rows, polls - 1), dtype="<u8")
    if whole:
        steps = (packed >> np.uint64(1)).astype(np.int64) ^ -(packed & np.uint64(1)).astype(np.int64)
        numbers = np.concatenate([first.view(np.int64), steps], axis=1)
        values = np.cumsum(numbers, axis=1).astype(np.float64)
    else:
        bits = np.bitwise_xor.accumulate(np.concatenate([first, packed], axis=1), axis=1)
        values = np.ascontiguousarray(bits).view("<f8").astype(np.float64)
    if has_flags:
        missing = np.unpackbits(np.frombuffer(flags, dtype=np.uint8), count=rows * polls).astype(np.bool_)
        values[missing.reshape(rows, polls)] = np.nan
    return values


def _listing(index: int, listing: Listing, fleet: Fleet) -> StoredListing:
    listed = {one.key: one for one in listing.entities}
    known = [one for kind in KINDS for one in fleet.table(kind).entities]
    same = [(found := listed.get(one.key)) is not None and (found is one or found == one) for one in known]
    for one in compress(known, same):
        del listed[one.key]
    others = [StoredEntity.of(one) for one in listed.values()]
    complete = [str(kind) for kind in listing.complete]
    return StoredListing(index, complete, np.packbits(np.array(same, dtype=np.bool_)).tobytes(), others)


def _instants(times: Sequence[Floats | None], ats: Floats, rows: int) -> bytes:
    """Instants as milliseconds before their poll; None: the poll's own."""
    own = np.stack([np.full(rows, at) if one is None else one for one, at in zip(times, ats, strict=True)], axis=1)
    return pack_matrix(np.round((ats[None, :] - own) * 1000.0))


def _or_nan(times: Floats | None, rows: int) -> Floats:
    return np.full(rows, np.nan) if times is None else times


def _texts(found: Sequence[Column | None], rows: int) -> tuple[list[str], bytes]:
    """The texts of a column, and which reading has which; nothing where it has none."""
    if all(one is None or one.texts is None for one in found):
        return [], b""
    places: dict[object, int] = {None: 0}
    codes = np.zeros((rows, len(found)))
    before: Texts | None = None
    for index, one in enumerate(found):
        if one is None or one.texts is None:
            before = None
            continue
        if one.texts is before or (before is not None and bool(np.all(one.texts == before))):
            codes[:, index] = codes[:, index - 1]
        else:
            texts = one.texts.tolist()
            for text in dict.fromkeys(texts):
                places.setdefault(text, len(places))
            codes[:, index] = np.fromiter(map(places.__getitem__, texts), dtype=np.float64, count=rows)
        before = one.texts
    return [str(text) for text in places if text is not None], pack_matrix(codes)


def _grouped(matrix: npt.NDArray[np.generic], width: int) -> bytes:
    """The lowest byte of every number, then the next of every number, and so on: zlib finds like beside like."""
    return np.ascontiguousarray(matrix).view(np.uint8).reshape(-1, 8)[:, :width].T.tobytes()


def _together(data: bytes, rows: int, polls: int, width: int) -> npt.NDArray[np.uint64]:
    found = np.zeros((rows * polls, 8), dtype=np.uint8)
    found[:, :width] = np.frombuffer(data, dtype=np.uint8).reshape(width, rows * polls).T
    return found.view("<u8").reshape(rows, polls)
