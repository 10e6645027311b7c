"""Columns as small opaque pieces that the store keeps from poll to poll, and whose they are."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2s
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from watchdog.readings.fleet import Kind, Rows
from watchdog.readings.snapshot import Column, Floats
from watchdog.readings.vocabulary import Vocabulary, is_text

_T = TypeVar("_T", bound=np.generic)
#: Format version, arrays, rows, bytes of texts.
_HEAD = struct.Struct("<BBII")
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class RowIds:
    """The entities of one kind, in the order of the saved arrays; its id is made of them."""

    id: str
    kind: Kind
    ids: Sequence[str]

    @classmethod
    def of(cls, kind: Kind, ids: Sequence[str]) -> RowIds:
        mark = blake2s(json.dumps([kind, list(ids)], separators=(",", ":")).encode(), digest_size=12).hexdigest()
        return cls(mark, kind, ids)


class RowIdSets:
    """The rosters of now; one is made anew only where its ids are another list."""

    def __init__(self) -> None:
        self._found: dict[Kind, RowIds] = {}

    def of(self, kind: Kind, ids: Sequence[str]) -> RowIds:
        found = self._found.get(kind)
        if found is None or found.ids is not ids:
            found = self._found[kind] = RowIds.of(kind, ids)
        return found


class Form(StrEnum):
    """What a saved piece holds."""

    POLL = "poll"  #: the readings of one poll, told apart by their instant
    STATE = "state"  #: since when every value is unchanged; one a metric
    PERIOD = "period"  #: the kept readings of the ten minutes with that number
    DAY = "day"  #: the longest pauses that ended on the day with that number


#: Since when saved pieces are needed, by form, kind and metric.
KeepFrom = Mapping[tuple[Form, Kind, str], float]


@dataclass(frozen=True, slots=True)
class Saved:
    """One piece of what is remembered of a metric; it replaces the piece of the same form and number before it."""

    kind: Kind
    metric: str
    at: float
    roster: str
    blob: bytes
    form: Form = Form.POLL
    number: int = 0


def pack(arrays: Sequence[Floats], vocabulary: Vocabulary) -> bytes:
    """Arrays of one length as bytes; texts of the first are written out, so that any vocabulary can read them."""
    first, words = arrays[0], b""
    if vocabulary.shown and is_text(first).any():
        own = Vocabulary()
        texts = vocabulary.texts(first)
        first = own.encoded(Column(np.where(is_text(first), np.nan, first), texts))
        words = json.dumps(own.shown, ensure_ascii=False).encode()
    head = _HEAD.pack(_FORMAT, len(arrays), len(first), len(words))
    return b"".join(
        [head, words, first.astype("<f8", copy=False).tobytes(), *(a.astype("<f8").tobytes() for a in arrays[1:])]
    )


def unpack(blob: bytes, vocabulary: Vocabulary, count: int) -> tuple[list[Floats], bool]:
    """The arrays again, texts in this vocabulary, and whether there are any. Raises ValueError on anything else."""
    if len(blob) < _HEAD.size:
        raise ValueError("too short")
    version, number, rows, size = _HEAD.unpack_from(blob)
    if version != _FORMAT or rows != count or len(blob) != _HEAD.size + size + 8 * rows * number or not number:
        raise ValueError(f"{len(blob)} bytes of format {version} are not {number} arrays of {count} rows")
    at = _HEAD.size + size
    arrays = [np.frombuffer(blob, "<f8", rows, at + 8 * rows * index).astype(np.float64) for index in range(number)]
    if size:
        own = Vocabulary()
        for word in json.loads(blob[_HEAD.size : at]):
            own[word]
        texts = own.texts(arrays[0])
        arrays[0] = vocabulary.encoded(Column(np.where(is_text(arrays[0]), np.nan, arrays[0]), texts))
    return arrays, bool(size)


def positions(old: Sequence[str], new: Sequence[str]) -> tuple[Rows, Rows]:
    """Where entities that are in both stand in each."""
    where = {id_: row for row, id_ in enumerate(old)}
    pairs = [(where[id_], row) for row, id_ in enumerate(new) if id_ in where]
    both = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def moved(values: npt.NDArray[_T], old: Rows, new: Rows, count: int, missing: float | bool) -> npt.NDArray[_T]:
    """The values of those entities at their new places."""
    found = np.full(count, missing, dtype=values.dtype)
    found[new] = values[old]
    return found
