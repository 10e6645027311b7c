"""One database: where it is, its connections, and transactions whose failures are StoreErrors without a password."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from watchdog.errors import StoreError

#: How long one waits for another's transaction on the same SQLite file.
_BUSY_MS = 5000
#: A server that does not answer is given up on, so that a cut-off replica learns that it is one.
_PG_CONNECT = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
#: A leader that is cut off inside a transaction must not keep the others waiting for its locks.
_PG_SESSION = "SET idle_in_transaction_session_timeout = '5s'; SET lock_timeout = '5s'; SET statement_timeout = '60s'"

_ACCEPTED = "write sqlite:///file.db, sqlite:////absolute/file.db or postgresql://user:password@host/database"


class Database:
    """Connections to one database; every thread may use it.

    `place` names it for people (no user, no password), `file` is the SQLite file, None for others. Raises StoreError
    when made from an address that is not one; whether anybody answers shows with the first transaction.
    """

    def __init__(self, url: str) -> None:
        self.url = _address(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        memory = self.is_sqlite and self.url.database in (None, "", ":memory:")
        self.file = Path(str(self.url.database)).resolve() if self.is_sqlite and not memory else None
        self.place = _place(self.url, self.file)
        #: Which file the first connection opened.
        self._opened: tuple[int, int] | None = None
        #: One connection is all there is to a database in memory: its users take turns.
        self._turn: AbstractContextManager[Any] = threading.RLock() if memory else nullcontext()
        self.engine = self._engine(memory)
        #: Several statements that must see one state of the database.
        self._snapshot = self.engine
        if not self.is_sqlite:
            self._snapshot = self.engine.execution_options(isolation_level="REPEATABLE READ")
        self._writer = self.engine.execution_options(watchdog_writes=True)

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one state of the database and never waits for a writer."""
        return self._transaction(self._snapshot)

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that is written as a whole, or not at all if its block raises. StoreError where the file is no
        longer the one that was opened: what is written into a removed file is lost with this process."""
        if self._opened is not None and self._opened != _identity(self.file):
            raise StoreError(f"database {self.place}: its file was removed or replaced; restart to use what is there")
        return self._transaction(self._writer)

    def number(self, statement: str) -> int:
        """The one number that a statement without parameters selects, 0 where there is no row.

        For what is asked every second: it goes past SQLAlchemy's transaction, which takes twenty times as long.
        """
        with self._turn:
            try:
                connection = self.engine.raw_connection()
                try:
                    cursor = connection.cursor()
                    cursor.execute(statement)
                    found = cursor.fetchone()
                    cursor.close()
                finally:
                    connection.close()
            except (SQLAlchemyError, self.engine.dialect.loaded_dbapi.Error) as cause:
                raise self.error(cause) from cause
        return int(found[0]) if found else 0

    def close(self) -> None:
        self.engine.dispose()

    def error(self, cause: BaseException) -> StoreError:
        """What went wrong, for people: the place, the reason, and what can be done where that is known."""
        reason = cause.orig if isinstance(cause, DBAPIError) and cause.orig is not None else cause
        text = " ".join(str(reason).split()) or type(reason).__name__
        if self.url.password:
            text = text.replace(str(self.url.password), "***")
        hint = _file_trouble(self.file) if self.file is not None else ""
        return StoreError(f"database {self.place}: {text}{hint}")

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        with self._turn:
            try:
                with engine.begin() as connection:
                    yield connection
            except (SQLAlchemyError, sqlite3.Error) as cause:
                raise self.error(cause) from cause

    def _note_file(self, _connection: sqlite3.Connection, _record: object) -> None:
        if self._opened is None:
            self._opened = _identity(self.file)

    def _engine(self, memory: bool) -> Engine:
        if not self.is_sqlite:
            # statements are compiled once and run with rows as tuples, so values are marked by position
            engine = create_engine(
                self.url,
                paramstyle="format",
                connect_args=_PG_CONNECT,
                pool_pre_ping=True,
                pool_size=5,
                max_overflow=20,
            )
            event.listen(engine, "connect", _prepare_postgresql)
            return engine
        if memory:
            # thread-safe because users take turns
            engine = create_engine(self.url, poolclass=StaticPool, connect_args={"check_same_thread": False})
        else:
            engine = create_engine(self.url, pool_size=5, max_overflow=20)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "connect", self._note_file)
        event.listen(engine, "begin", _begin_sqlite)
        return engine


def _identity(file: Path | None) -> tuple[int, int] | None:
    try:
        found = file.stat() if file is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


def _address(url: str) -> URL:
    """The parsed address with the driver that is used; the text itself is never shown: it may hold a password."""
    try:
        found = make_url(url.strip())
    except (ArgumentError, ValueError):
        raise StoreError(f"the database URL cannot be read; {_ACCEPTED}") from None
    if url.count("@") > 1:  # what follows the first would be shown as the host
        raise StoreError("the database URL has an @ in its user or password; write it as %40, and / as %2F, # as %23")
    if found.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        if "@" in (found.database or "") or any("@" in str(part) for part in found.query.values()):
            raise StoreError("the database URL has a / or ? in its user or password; write them as %2F and %3F")
        return found.set(drivername="postgresql+psycopg")
    if found.drivername in ("sqlite", "sqlite+pysqlite"):
        if found.host:
            meant = "/".join(part for part in (found.host, found.database) if part)
            raise StoreError(
                f"the database URL has two slashes before {found.host!r}; a file takes three (relative) "
                f"or four (absolute), e.g. sqlite:///{meant}"
            )
        return found.set(drivername="sqlite")
    raise StoreError(f"the database URL begins with {found.drivername!r}, which is not known here; {_ACCEPTED}")


def _place(url: URL, file: Path | None) -> str:
    if file is not None:
        return str(file)
    if url.get_backend_name() == "sqlite":
        return "in memory"
    host = url.host or str(url.query.get("host") or "localhost")
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{host}{port}/{url.database or ''}"


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so, not where the driver guesses
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -8000")


def _begin_sqlite(connection: Connection) -> None:
    # a writer takes its place at once: one that began as a reader could be refused half-way
    writes = connection.get_execution_options().get("watchdog_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(connection: Any, _record: object) -> None:
    before, connection.autocommit = connection.autocommit, True
    connection.execute(_PG_SESSION)
    connection.autocommit = before


def _file_trouble(file: Path) -> str:
    """What stands in the way of a SQLite file, where that can be seen from outside."""
    folder = file.parent
    if not folder.is_dir():
        return f"; the folder {folder} does not exist"
    if file.is_dir():
        return "; it is a folder, not a file"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"; the folder {folder} cannot be written by user {os.geteuid()}"
    if file.exists() and not os.access(file, os.R_OK | os.W_OK):
        return f"; the file cannot be read and written by user {os.geteuid()}"
    return ""
