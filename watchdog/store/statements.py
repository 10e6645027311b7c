"""The statements that write, compiled once for a dialect and run with rows as tuples.

So thousands of rows cost little more than the database itself takes for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import islice
from typing import Any, cast

from sqlalchemy import Connection, Table, and_, bindparam, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from watchdog.store.rows import Row
from watchdog.store.schema import counters, rosters

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
    _run(connection, _insert_new(rosters, connection.dialect.name), rows)


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
