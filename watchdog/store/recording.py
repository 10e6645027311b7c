"""The recording in the database: blocks of polls, bounded by size; the oldest hour goes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, or_, select

from watchdog.alerts.answers import Answer, Answers
from watchdog.alerts.lifecycle import AlertKey
from watchdog.readings.fleet import Kind
from watchdog.store import statements
from watchdog.store.schema import acknowledgements, episodes, recording
from watchdog.store.store import Store

_HOUR = 3600.0
#: Bytes that a row costs the database beside its data: SQLite's last page of it is half empty on average.
_ROW = 2048


@dataclass(frozen=True, slots=True)
class Reach:
    """From the first to the last poll of the recording, in seconds of the epoch, and its size in bytes."""

    start: float
    end: float
    polls: int
    size: int


def append(store: Store, start: float, end: float, polls: int, data: bytes, *, limit: float,
           replaces: Sequence[int] = ()) -> int:  # fmt: skip
    """Add a block in place of earlier ones, and drop the oldest until everything fits into `limit` bytes.

    Returns the id of the block. Raises StoreError.
    """
    table = recording
    with store.deciding() as connection:
        if replaces:
            connection.execute(delete(table).where(table.c.id.in_(replaces)))
        row = {"start": start, "ended": end, "polls": polls, "size": len(data) + _ROW, "data": data}
        id_ = connection.execute(insert(table).values(**row).returning(table.c.id)).scalar_one()
        _make_room(connection, limit, newest=id_)
    return int(id_)


def reach(store: Store) -> Reach | None:
    """None where nothing is recorded. Raises StoreError."""
    table = recording
    asked = select(func.min(table.c.start), func.max(table.c.ended), func.sum(table.c.polls), func.sum(table.c.size))
    with store.reading() as connection:
        start, end, polls, size = connection.execute(asked).one()
    return None if start is None else Reach(start, end, int(polls), int(size))


def blocks(store: Store, since: float = 0.0) -> Iterator[bytes]:
    """The blocks with polls at or after this instant, the oldest first, read one at a time.

    Raises StoreError, at once where the database cannot be read now.
    """
    table = recording
    with store.reading() as connection:
        asked = select(table.c.id).where(table.c.ended >= since).order_by(table.c.start, table.c.id)
        ids = list(connection.execute(asked).scalars())
    return _read(store, ids)


def answers(store: Store, since: float = 0.0) -> Answers:
    """What people did at or after this instant, or before it where it counts still. Raises StoreError."""
    alert = episodes.c.rule, episodes.c.kind, episodes.c.entity
    said = acknowledgements
    acknowledged = select(*alert, said.c.at, said.c.via, episodes.c.ended, said.c.withdrawn)
    acknowledged = acknowledged.join_from(said, episodes, episodes.c.id == said.c.episode)
    over = or_(episodes.c.ended.is_(None), episodes.c.ended >= since)
    with store.reading() as connection:
        silences = [one for one in statements.silences_of(connection) if one.ends >= since]
        named = {one.episode for one in silences if one.episode}
        bound = connection.execute(select(episodes.c.id, *alert).where(episodes.c.id.in_(named))).all() if named else []
        given = connection.execute(acknowledged.where(over)).all()
    return Answers.of(
        silences,
        (Answer(AlertKey(rule, Kind(kind), entity), *rest) for rule, kind, entity, *rest in given),
        ((id_, AlertKey(rule, Kind(kind), entity)) for id_, rule, kind, entity in bound),
    )


def _read(store: Store, ids: Sequence[int]) -> Iterator[bytes]:
    table = recording
    for id_ in ids:
        with store.reading() as connection:
            data = connection.execute(select(table.c.data).where(table.c.id == id_)).scalar()
        if data is not None:  # it may have been dropped meanwhile
            yield bytes(data)


def _make_room(connection: Connection, limit: float, newest: int) -> None:
    """Drop the oldest hours; within the newest block's hour the oldest blocks; never the newest block itself."""
    table = recording
    while (connection.execute(select(func.sum(table.c.size))).scalar() or 0) > limit:
        oldest = connection.execute(
            select(table.c.id, table.c.start).where(table.c.id != newest).order_by(table.c.start, table.c.id).limit(1)
        ).first()
        if oldest is None:
            return
        hour_ends = (oldest.start // _HOUR + 1) * _HOUR
        started = connection.execute(select(table.c.start).where(table.c.id == newest)).scalar_one()
        gone = table.c.id == oldest.id if started < hour_ends else table.c.start < hour_ends
        connection.execute(delete(table).where(gone, table.c.id != newest))
