"""Databases for the store's tests: a file of SQLite's, and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchdog.store.store import Store


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
