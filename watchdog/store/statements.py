"""Every SQL statement: writes compiled once per dialect, and the queries behind the service, pages and commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from watchdog.alerts.episodes import Acknowledgement, Episode, Note, Withdrawal
from watchdog.alerts.lifecycle import AlertKey
from watchdog.alerts.silences import Silence
from watchdog.cycle.state import Saved
from watchdog.notify.ledger import Ending, Entry, Standing
from watchdog.reports.report import Rows
from watchdog.store import rows
from watchdog.store.rows import Row
from watchdog.store.schema import (
    acknowledgements,
    alerts,
    counters,
    documents,
    entries,
    episodes,
    groups,
    notes,
    notifications,
    rosters,
    silences,
    targets,
)

#: Rows made and written at a time: a burst of thousands of alerts is never in memory a second time.
_AT_ONCE = 500


def put(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows of a table with a key of ours; those that are there are replaced."""
    _run(connection, _upsert(table, connection.dialect.name), rows)


def add(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows without their first column, a number that the database gives."""
    _run(connection, _insert(table, connection.dialect.name), rows)


def remove(connection: Connection, table: Table, keys: Iterable[Row]) -> None:
    """Delete rows by primary key; one that is not there is fine."""
    _run(connection, _delete(table, connection.dialect.name), keys)


def add_rosters(connection: Connection, rows: Sequence[Row]) -> None:
    """A roster's id is made of its content: one that is there already is the same."""
    add_new(connection, rosters, rows)


def add_new(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows of a table with a key of ours; those that are there stay."""
    _run(connection, _insert_new(table, connection.dialect.name), rows)


def raise_counter(connection: Connection, name: str, at_least: int) -> None:
    """A counter becomes at least this; it never falls."""
    insert = _dialect_insert(connection.dialect.name)(counters).values(name=name, value=at_least)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[counters.c.name],
            set_={"value": insert.excluded.value},
            where=counters.c.value < insert.excluded.value,
        )
    )


def count_up(connection: Connection, name: str) -> None:
    """One more."""
    insert = _dialect_insert(connection.dialect.name)(counters).values(name=name, value=1)
    connection.execute(
        insert.on_conflict_do_update(index_elements=[counters.c.name], set_={"value": counters.c.value + 1})
    )


def _run(connection: Connection, sql: str, rows: Iterable[Row]) -> None:
    remaining = iter(rows)
    while some := list(islice(remaining, _AT_ONCE)):
        connection.exec_driver_sql(sql, some)


@cache
def _dialect(name: str) -> Dialect:
    if name == "sqlite":
        return sqlite.dialect()
    return cast("Dialect", postgresql.psycopg.dialect(paramstyle="format"))  # type: ignore[no-untyped-call]


def _dialect_insert(name: str) -> Any:
    """What makes an INSERT that may say ON CONFLICT."""
    return sqlite.insert if name == "sqlite" else postgresql.insert


@cache
def _upsert(table: Table, dialect: str) -> str:
    insert = _dialect_insert(dialect)(table)
    rest = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
    insert = insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=rest)
    return str(insert.compile(dialect=_dialect(dialect)))


@cache
def _insert_new(table: Table, dialect: str) -> str:
    return str(_dialect_insert(dialect)(table).on_conflict_do_nothing().compile(dialect=_dialect(dialect)))


@cache
def _insert(table: Table, dialect: str) -> str:
    columns = [column.name for column in table.columns][1:]
    # RETURNING, which SQLAlchemy would ask for the new number with, is no good for many rows at once
    insert = table.insert().inline()
    return str(insert.compile(dialect=_dialect(dialect), column_keys=columns))


@cache
def _delete(table: Table, dialect: str) -> str:
    found = delete(table).where(and_(*(column == bindparam(column.name) for column in table.primary_key.columns)))
    return str(found.compile(dialect=_dialect(dialect)))


#: Somebody is owed something of the episode by this entry of the ledger; the same as in notify.book.
OWED = or_(
    entries.c.standing == Standing.WAITING.value,
    and_(entries.c.standing == Standing.ACCEPTED.value, entries.c.ending == Ending.NONE.value),
    entries.c.ending == Ending.WAITING.value,
)
#: Few enough for the parameters one statement may have, on either engine.
_IDS_AT_ONCE = 1000


def saved(connection: Connection) -> Saved:
    """Everything a service needs to go on; consistent if the transaction is."""
    found = Saved()
    found.alerts = dict(rows.alert_of(row) for row in connection.execute(select(alerts)))
    for row in connection.execute(select(notifications).order_by(notifications.c.id)):
        notification = rows.notification_of(row)
        found.notifications[notification.id] = notification
    owed = select(entries.c.episode).where(OWED)
    needed = set(connection.execute(select(episodes.c.id).where(episodes.c.ended.is_(None))).scalars())
    needed |= set(connection.execute(owed).scalars())
    needed |= {item.episode for notification in found.notifications.values() for item in notification.items}
    for some in _chunks(sorted(needed)):
        for row in connection.execute(select(episodes).where(episodes.c.id.in_(some))):
            episode = rows.episode_of(row)
            found.episodes[episode.id] = episode
        for row in connection.execute(select(entries).where(entries.c.episode.in_(some))):
            entry = rows.entry_of(row)
            found.entries[entry.episode, entry.target] = entry
    for row in connection.execute(select(groups)):
        group = rows.group_of(row)
        found.groups[group.key] = group
    found.silences = {one.id: one for one in silences_of(connection)}
    found.targets = {row.target: rows.target_of(row) for row in connection.execute(select(targets))}
    found.documents = {row.name: row.text for row in connection.execute(select(documents))}
    found.next_notification = max(counter(connection, "next_duty"), 1, *(id_ + 1 for id_ in found.notifications))
    return found


#: How often people wrote a silence or an acknowledgement; asked for every second.
PEOPLE = "SELECT value FROM counters WHERE name = 'people'"


def counter(connection: Connection, name: str) -> int:
    return connection.execute(select(counters.c.value).where(counters.c.name == name)).scalar() or 0


def silences_of(connection: Connection) -> list[Silence]:
    found = connection.execute(select(silences).order_by(silences.c.starts, silences.c.id))
    return [rows.silence_of(row) for row in found]


def open_acknowledgements(connection: Connection) -> dict[str, Acknowledgement | Withdrawal]:
    """What people last said to episodes that still fire."""
    firing = acknowledgements.join(episodes, episodes.c.id == acknowledgements.c.episode)
    found = connection.execute(select(acknowledgements).select_from(firing).where(episodes.c.ended.is_(None)))
    return {row[0]: rows.acknowledgement_of(row[1:]) for row in found}


def withdraw(connection: Connection, episode: str, taken_back: Withdrawal) -> bool:
    """Mark what was said through the same channel before as taken back; False where there is no such word."""
    table = acknowledgements
    said = and_(table.c.episode == episode, table.c.via == taken_back.via, table.c.at <= taken_back.at)
    found = connection.execute(
        update(table)
        .where(said, table.c.withdrawn.is_(None))
        .values(withdrawn=taken_back.at, withdrawn_by=rows.storable(taken_back.author))
    )
    return found.rowcount > 0


def is_firing(connection: Connection, episode: str) -> bool:
    if not _may_be_id(episode):
        return False
    asked = select(exists().where(episodes.c.id == episode, episodes.c.ended.is_(None)))
    return bool(connection.execute(asked).scalar())


def episodes_by(
    connection: Connection,
    *,
    firing: bool | None,
    alert: AlertKey | None,
    after: tuple[float, str] | None,
    limit: int,
) -> list[Episode]:
    """The newest first, then by id."""
    asked = _episodes().order_by(episodes.c.began.desc(), episodes.c.id).limit(limit)
    if firing is not None:
        asked = asked.where(episodes.c.ended.is_(None) if firing else episodes.c.ended.is_not(None))
    if alert is not None:
        asked = asked.where(_of_alert(episodes, alert))
    if after is not None:
        began, id_ = after
        same = and_(episodes.c.began == began, episodes.c.id > id_)
        asked = asked.where(or_(episodes.c.began < began, same))
    return [_heard(row) for row in connection.execute(asked)]


def episode_by_id(connection: Connection, id_: str) -> Episode | None:
    if not _may_be_id(id_):
        return None
    row = connection.execute(_episodes().where(episodes.c.id == id_)).first()
    return None if row is None else _heard(row)


def episodes_of_incident(connection: Connection, incident: str) -> list[Episode]:
    if not incident or not _may_be_id(incident):
        return []
    named = exists().where(entries.c.episode == episodes.c.id, entries.c.incident == incident)
    asked = _episodes().where(episodes.c.ended.is_(None), named).order_by(episodes.c.began, episodes.c.id)
    return [_heard(row) for row in connection.execute(asked)]


def entries_of(connection: Connection, ids: Iterable[str]) -> list[Entry]:
    found: list[Entry] = []
    for some in _chunks(ids):
        asked = select(entries).where(entries.c.episode.in_(some)).order_by(entries.c.episode, entries.c.target)
        found += (rows.entry_of(row) for row in connection.execute(asked))
    return found


def notes_by(
    connection: Connection, *, episode: str | None, alert: AlertKey | None, since: float | None, limit: int
) -> list[Note]:
    """The last `limit` of them, the oldest first."""
    asked = select(notes).order_by(notes.c.at.desc(), notes.c.id.desc()).limit(limit)
    if episode is not None:
        asked = asked.where(notes.c.episode == episode)
    if alert is not None:
        asked = asked.where(_of_alert(notes, alert))
    if since is not None:
        asked = asked.where(notes.c.at >= since)
    return [rows.note_of(row) for row in connection.execute(asked)][::-1]


#: What the history of an alert says of who was notified.
_REPORTED = ("told", "unknown", "missed", "failed", "escalated")


def rows_of(connection: Connection, start: float, end: float) -> Rows:
    """What a report of this period is made of."""
    over = or_(episodes.c.ended.is_(None), episodes.c.ended >= start)
    fired = _episodes().where(episodes.c.began < end, over).order_by(episodes.c.began, episodes.c.id)
    said = select(notes).where(notes.c.at >= start, notes.c.at < end, notes.c.what.in_(_REPORTED))
    before = select(episodes.c.rule, func.max(episodes.c.began)).where(episodes.c.began < start)
    return Rows(
        episodes=[_heard(row) for row in connection.execute(fired)],
        notes=[rows.note_of(row) for row in connection.execute(said.order_by(notes.c.at, notes.c.id))],
        silences=silences_of(connection),
        targets=[rows.target_of(row) for row in connection.execute(select(targets))],
        last_fired={row[0]: row[1] for row in connection.execute(before.group_by(episodes.c.rule))},
    )


def _episodes() -> Select[Any]:
    """Episodes, with what people said that the service may not have seen yet."""
    said = list(acknowledgements.c)[1:]
    beside = episodes.outerjoin(acknowledgements, acknowledgements.c.episode == episodes.c.id)
    return select(episodes, *(column.label(f"said_{column.name}") for column in said)).select_from(beside)


def _heard(row: Sequence[Any]) -> Episode:
    columns, said = row[: len(episodes.c)], row[len(episodes.c) :]
    heard = None if said[0] is None else rows.acknowledgement_of(said)
    return rows.episode_of(columns, heard)


def _of_alert(table: Any, alert: AlertKey) -> ColumnElement[bool]:
    rule, kind, entity = rows.alert_key_row(alert)
    return and_(table.c.rule == rule, table.c.kind == kind, table.c.entity == entity)


def _may_be_id(text: str) -> bool:
    """People may ask for anything; PostgreSQL takes no text with a NUL, which no id has."""
    return "\0" not in text


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while some := list(islice(rest, _IDS_AT_ONCE)):
        yield some
