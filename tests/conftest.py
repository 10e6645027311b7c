"""Shared by all tests: a clean environment, and the sinks that messages are sent to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sinks.http import HttpSink, TlsSinks
from sinks.smtp import SmtpSink

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
def smtp_sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpSink]:
    """A mail server; this process trusts it already, a subprocess needs `.env()`."""
    sink = SmtpSink(tmp_path)
    for name, value in sink.env().items():
        monkeypatch.setenv(name, value)
    yield sink
    sink.stop()
