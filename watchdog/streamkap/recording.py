"""Recordings: polls as lines of JSON in a file, to be played through other rules later.

Each line is one poll. Entities stand in the lines whose poll listed them; a file whose name ends in `.gz` is packed,
each line by itself, so that a service that was killed can go on in the file.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from watchdog.errors import ApiError, ConfigError
from watchdog.readings.blocks import StoredEntity
from watchdog.readings.fleet import REAL_KINDS, EntityKey, Fleet, Kind
from watchdog.readings.poll import Failures, Listing, Poll
from watchdog.readings.presence import Presence
from watchdog.readings.recorded_polls import MAGIC, blocks_of_file, polls_of
from watchdog.readings.snapshot import Flags, Floats, Snapshot, SparseReadings

_Value = float | str | None


class _Line(msgspec.Struct, omit_defaults=True):
    """`readings`: kind/id to metric to value, or to [value, instant] where it is not the poll's own."""

    at: float
    readings: dict[str, dict[str, _Value | tuple[_Value, float]]]
    entities: list[StoredEntity] | None = None
    complete: list[str] = []
    errors: list[str] = []
    refused: bool = False
    dark: list[str] = []


class Recorder:
    """Writes every poll it is given, behind what the file holds. Raises ConfigError where the file cannot be opened."""

    def __init__(self, file: Path) -> None:
        try:
            # closed by `close`; a recording is as long as the service runs. Unbuffered: a line is written or it is not
            self._out = file.open("ab", buffering=0)
        except OSError as cause:
            raise ConfigError(f"--record {file}: cannot be written: {cause.strerror}") from cause
        self._packed = file.suffix == ".gz"
        self._presence = Presence.of([], 0.0)

    def record(self, poll: Poll) -> None:
        """One line, on the disk when this returns: a recording that is cut off loses nothing before the cut.

        Raises OSError where there is no room for it; what the file held before stays readable.
        """
        self._presence, _ = self._presence.after(poll.listing, poll.at)
        line = msgspec.json.encode(_line(poll, self._presence.fleet)) + b"\n"
        data = gzip.compress(line) if self._packed else line
        written = self._out.write(data)
        if written != len(data):  # the disk filled up in the middle of it
            self._out.truncate(self._out.tell() - written)
            raise OSError("there is no space for a whole line")

    def close(self) -> None:
        self._out.close()


@dataclass(frozen=True)
class RecordedPoll:
    """A poll as it was recorded."""

    at: float
    listing: Listing | None
    failures: Failures
    readings: SparseReadings
    dark: frozenset[str] = field(default_factory=frozenset)

    def snapshot(self, fleet: Fleet) -> Snapshot:
        unobserved: dict[Kind, Flags] = {}
        if self.dark:
            for kind in REAL_KINDS:
                table = fleet.table(kind)
                found = (str(one.key) in self.dark for one in table.entities)
                unobserved[kind] = np.fromiter(found, dtype=np.bool_, count=len(table))
        return self.readings.snapshot(self.at, fleet, unobserved)

    def answered(self, fleet: Fleet) -> Mapping[Kind, Floats]:
        found: dict[Kind, Floats] = {}
        for kind in REAL_KINDS:
            table = fleet.table(kind)
            times = np.full(len(table), np.nan)
            for row, entity in enumerate(table.entities):
                had = [one.at for one in self.readings.values.get(entity.key, {}).values() if one.value is not None]
                if had:
                    times[row] = max(had)
            found[kind] = times
        return found


def read_recording(file: Path, since: float = 0.0) -> Iterator[Poll]:
    """The polls of a recording from `since` on, in order: lines of `run --record`, or the blocks that a service's
    `/recording` answers. A last line or block that was cut off in the middle is left out.

    Raises ConfigError that names the line, or the file.
    """
    polls = _polls_of_blocks(file, since) if _has_blocks(file) else _polls_of_lines(file)
    yield from (poll for poll in polls if poll.at >= since)


def _has_blocks(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(MAGIC)) == MAGIC
    except OSError as cause:
        raise ConfigError(f"{file}: cannot be read as a recording: {cause.strerror}") from cause


def _polls_of_blocks(file: Path, since: float) -> Iterator[Poll]:
    try:
        with file.open("rb") as opened:
            opened.seek(len(MAGIC))
            yield from polls_of(blocks_of_file(opened), since)
    except (OSError, ValueError) as cause:
        why = (cause.strerror if isinstance(cause, OSError) else None) or cause
        raise ConfigError(f"{file}: cannot be read as a recording: {why}") from cause


def _polls_of_lines(file: Path) -> Iterator[RecordedPoll]:
    try:
        with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield _poll(msgspec.json.decode(line, type=_Line))
                except (msgspec.MsgspecError, ValueError) as cause:
                    if not line.endswith(b"\n"):
                        return
                    raise ConfigError(f"{file}:{number}: is no line of a recording: {cause}") from cause
    except EOFError:  # a packed one that was cut off
        return
    except (OSError, zlib.error) as cause:
        why = (cause.strerror if isinstance(cause, OSError) else None) or cause
        raise ConfigError(f"{file}: cannot be read as a recording: {why}") from cause


def _line(poll: Poll, fleet: Fleet) -> _Line:
    snapshot = poll.snapshot(fleet)
    line = _Line(poll.at, {}, errors=[str(one) for one in poll.failures.errors], refused=poll.failures.refused)
    for kind in REAL_KINDS:
        dark = snapshot.unobserved(kind)
        for row, entity in enumerate(fleet.table(kind).entities):
            if dark[row]:
                line.dark.append(str(entity.key))
            readings = {
                one.metric: one.value if one.at == poll.at else (one.value, one.at)
                for one in snapshot.readings(entity.key)
            }
            if readings:
                line.readings[str(entity.key)] = readings
    if poll.listing is not None:
        line.complete = [str(kind) for kind in poll.listing.complete]
        line.entities = [StoredEntity.of(one) for one in poll.listing.entities]
    return line


def _poll(line: _Line) -> RecordedPoll:
    readings = SparseReadings()
    for name, metrics in line.readings.items():
        kind, _, id_ = name.partition("/")
        key = _key(kind, id_)
        for metric, found in metrics.items():
            value, at = found if isinstance(found, tuple) else (found, line.at)
            readings.put(key, metric, float(value) if isinstance(value, int) else value, at)
    listing = None
    if line.entities is not None:
        entities = [one.entity() for one in line.entities]
        listing = Listing(entities, frozenset(Kind(kind) for kind in line.complete))
    errors = tuple(ApiError(text) for text in line.errors)
    return RecordedPoll(line.at, listing, Failures(errors, line.refused), readings, frozenset(line.dark))


def _key(kind: str, id_: str) -> EntityKey:
    return EntityKey(Kind(kind), id_)
