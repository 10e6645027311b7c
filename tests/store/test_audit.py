"""The audit trail in the database and in the log, and sessions of people."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from watchdog.store import migrate, sessions
from watchdog.store.audit import Action, Actor, AuditEntry, Via, entries, record
from watchdog.store.database import Database
from watchdog.store.sessions import Session
from watchdog.store.store import Store

EVA = Actor("eva", Via.PROXY, "10.0.0.7")


def test_an_entry_is_logged_and_kept(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    record(store, 1.0, EVA, Action.SILENCE, "alertname=Lag")
    record(store, 2.0, Actor(via=Via.FILES), Action.RELOAD, "3 rules\0" + "x" * 1000)
    newest, oldest = entries(store)
    assert oldest == AuditEntry(1.0, EVA, Action.SILENCE, "alertname=Lag", oldest.id)
    assert newest.subject.startswith("3 rules\ufffd") and len(newest.subject) == 500
    logged = next(one for one in caplog.records if one.message == "audit")
    assert (logged.who, logged.via, logged.action, logged.subject, getattr(logged, "from")) == (
        "eva", "proxy", "silence", "alertname=Lag", "10.0.0.7")  # fmt: skip


def test_entries_are_filtered_and_come_in_pages(store: Store) -> None:
    for at in range(6):
        record(store, float(at), EVA, Action.HOOK if at % 2 else Action.LINK, str(at))
    assert [one.subject for one in entries(store, action=Action.HOOK)] == ["5", "3", "1"]
    assert [one.subject for one in entries(store, since=4.0)] == ["5", "4"]
    first = entries(store, limit=4)
    assert [one.subject for one in entries(store, before=first[-1].id, limit=4)] == ["1", "0"]


def test_entries_go_with_the_history(store: Store) -> None:
    record(store, 1.0, EVA, Action.SIGN_IN, "")
    record(store, 9.0, EVA, Action.SIGN_OUT, "")
    store.prune(5.0)
    assert [one.at for one in entries(store)] == [9.0]


def test_a_database_that_is_away_costs_the_row_and_nothing_else(
    sqlite: str, opened: Callable[..., Store], caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(sqlite)
    with Database(sqlite).writing() as connection:
        connection.execute(text("DROP TABLE audit"))
    record(store, 1.0, EVA, Action.SIGN_IN, "")
    assert [one.message for one in caplog.records if one.levelname == "WARNING"] == ["audit entry could not be saved"]


def test_a_session_lasts_until_its_end_on_every_replica(store: Store, url: str, opened: Callable[..., Store]) -> None:
    beside = opened(url)
    sessions.start(store, Session("a", "eva", 10.0), now=1.0)
    assert sessions.find(beside, "a", 9.0) == Session("a", "eva", 10.0)
    assert sessions.find(beside, "a", 10.0) is None
    sessions.start(beside, Session("b", "", 30.0), now=20.0)
    assert sessions.find(store, "a", 5.0) is None, "what has ended is dropped"
    sessions.end(store, "b")
    assert sessions.find(beside, "b", 21.0) is None


def test_a_database_of_the_first_schema_is_upgraded(url: str, opened: Callable[..., Store]) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    database = Database(url)
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    database.close()
    store = opened(url)
    record(store, 1.0, EVA, Action.SIGN_IN, "")
    assert len(entries(store)) == 1
