"""From whatever schema a database has to the present one. A new database is made in one go, without loading Alembic."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, select, text

from watchdog.errors import StoreError
from watchdog.store.database import Database
from watchdog.store.schema import HEAD, metadata, version

#: Replicas that start together take turns; any number nobody else uses.
_TURN = 0x57617463


def prepare(database: Database, *, create: bool) -> None:
    """Make the tables, or bring them up to date, in one transaction.

    With `create` False the database has to be there already and up to date. Raises StoreError, also for a database that
    a newer version has written.
    """
    if not create and database.file is not None and not database.file.exists():
        what = f"there is no database at {database.place}"
        raise StoreError(f"{what}; `watchdog run` makes it, WATCHDOG_DATABASE_URL names another")
    with database.reading() as connection:
        found = _revision(connection)
    if found == HEAD:
        return
    if not create:
        raise StoreError(
            f"the database {database.place} has schema {found or 'none'}, this version needs {HEAD}; "
            "start `watchdog run` once to bring it up to date"
        )
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
        found = _revision(connection)  # another may have been faster
        if found is None:
            metadata.create_all(connection, checkfirst=False)
            version.create(connection)
            connection.execute(version.insert().values(version_num=HEAD))
        elif found != HEAD:
            _upgrade(connection, found, database.place)


def upgrade_from_nothing(connection: Connection) -> None:
    """Every migration from the first on; what `prepare` makes in one go has to be the same."""
    _upgrade(connection, None, "")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(version.name):
        return None
    return connection.execute(select(version.c.version_num)).scalar()


def _upgrade(connection: Connection, found: str | None, place: str) -> None:
    from alembic import command  # 0.1 s, needed once in the life of a database
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    if found is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(found)
        except CommandError:
            raise StoreError(
                f"the database {place} has schema {found!r}, which this version does not know: "
                "a newer one has written it; run that version, or start with another database"
            ) from None
    command.upgrade(config, "head")
