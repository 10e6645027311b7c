"""Sessions of people who signed in on the pages, shared by all replicas."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select

from watchdog.store import statements
from watchdog.store.rows import storable
from watchdog.store.schema import sessions
from watchdog.store.store import Store


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody is signed in until `ends`. `id` is what the database keeps, not what the cookie says."""

    id: str
    who: str
    ends: float


def start(store: Store, session: Session, now: float) -> None:
    """Keep a session; those that have ended are dropped. Raises StoreError."""
    with store.writing() as connection:
        connection.execute(delete(sessions).where(sessions.c.ends <= now))
        statements.put(connection, sessions, [(session.id, storable(session.who), session.ends)])


def find(store: Store, id_: str, now: float) -> Session | None:
    """The session with this id; None where it has ended. Raises StoreError."""
    with store.reading() as connection:
        found = connection.execute(select(sessions).where(sessions.c.id == id_, sessions.c.ends > now)).first()
    return None if found is None else Session(*found)


def end(store: Store, id_: str) -> None:
    """Raises StoreError."""
    with store.writing() as connection:
        connection.execute(delete(sessions).where(sessions.c.id == id_))
