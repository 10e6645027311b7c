"""A new database is what the migrations make; an old one becomes that; a foreign one is refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from watchdog.cycle.state import Changes
from watchdog.errors import StoreError
from watchdog.store import migrate
from watchdog.store.database import Database
from watchdog.store.schema import HEAD, metadata
from watchdog.store.store import Store


def _sqlite_schema(connection: Connection) -> dict[str, str]:
    found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    return {name: " ".join(sql.split()) for name, sql in found}


def test_the_migrations_end_where_the_schema_says() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_the_migrations_make_the_tables_of_the_schema(url: str) -> None:
    database = Database(url)
    with database.writing() as connection:
        migrate.upgrade_from_nothing(connection)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    Store(database).commit(Changes(documents={"a": "b"}))
    database.close()


def test_made_in_one_go_is_the_same_as_migrated(tmp_path: Path) -> None:
    migrated, made = (Database(f"sqlite:///{tmp_path / name}") for name in ("migrated.db", "made.db"))
    with migrated.writing() as connection:
        migrate.upgrade_from_nothing(connection)
    migrate.prepare(made, create=True)
    with migrated.reading() as one, made.reading() as other:
        before, after = _sqlite_schema(one), _sqlite_schema(other)
    before.pop("alembic_version"), after.pop("alembic_version")
    assert before == after
    migrated.close()
    made.close()


def test_opening_again_changes_nothing(url: str, opened: Callable[..., Store]) -> None:
    opened(url).commit(Changes(documents={"a": "b"}))
    assert opened(url).load().documents == {"a": "b"}
    assert opened(url, create=False).load().documents == {"a": "b"}


def test_a_database_of_a_newer_version_is_left_alone(url: str, opened: Callable[..., Store]) -> None:
    opened(url)
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="a newer one has written it"):
        Store.open(url)
    with pytest.raises(StoreError, match="has schema 9999, this version needs"):
        Store.open(url, create=False)
    with database.reading() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    database.close()


def test_a_command_does_not_make_a_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no database at .*watchdog run"):
        Store.open(f"sqlite:///{tmp_path / 'none.db'}", create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("why", "url", "says"),
    [
        ("no folder", "sqlite:////nowhere/at/all.db", "the folder /nowhere/at does not exist"),
        ("a folder nobody can write, not even root", "sqlite:////proc/watchdog.db", "unable to open database file"),
        ("a folder for a file", "sqlite:////tmp", "it is a folder"),
        ("two slashes", "sqlite://data/x.db", "e.g. sqlite:///data/x.db"),
        ("another engine", "mysql://root:hunter2@db/x", "begins with 'mysql'.*postgresql://"),
        ("no URL", "hunter2", "cannot be read"),
        ("an @ in the password", "postgresql://wd:a@hunter2@db/x", "write it as %40"),
        ("nobody answers", "postgresql://wd:hunter2@127.0.0.1:1/x", r"postgresql://127\.0\.0\.1:1/x: .*"),
    ],
)
def test_what_cannot_be_used_says_why_and_keeps_the_password(why: str, url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as caught:
        Store.open(url)
    assert "hunter2" not in str(caught.value), why


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database " * 100)
    with pytest.raises(StoreError, match="file is not a database"):
        Store.open(f"sqlite:///{file}")


def test_what_somebody_damaged_is_an_error_of_the_store(sqlite: str, opened: Callable[..., Store]) -> None:
    store = opened(sqlite)
    database = Database(sqlite)
    with database.writing() as connection:
        connection.execute(text("INSERT INTO silences VALUES ('s', 'nonsense', 1, 2, '', '', 1, '')"))
    database.close()
    with pytest.raises(StoreError, match="cannot be understood"):
        store.load()
