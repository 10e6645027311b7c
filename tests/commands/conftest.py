"""What commands that play recorded polls share: rules in a git repository, an hour of polls, a service that has them."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from watchdog.readings.blocks import encode, keep, pack_fleet
from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.presence import Presence
from watchdog.readings.recorded_polls import as_file
from watchdog.readings.snapshot import SparseReadings
from watchdog.store import recording
from watchdog.store.store import Store
from watchdog.streamkap.recording import RecordedPoll

RULES = """
rules:
  - {alert: Lag, each: source, expr: recordsLag > limit, params: {limit: 20}, for: 2m, flapping: off}
receivers: {team: {to: ["${TEAM:-}"]}}
routes: [{to: [team], group_wait: 0s}]
"""
EDITED = RULES.replace("for: 2m", "for: 4m")
CASE = """
tests:
  - name: it fires
    rules: [../lag.yaml]
    entities: [{source: orders}]
    readings: [{entity: orders, metric: recordsLag, values: "30x9"}]
    alerts: [{at: 6m, alert: Lag, entity: orders, state: firing}]
"""
START = 1_767_600_000.0


def _block() -> bytes:
    """An hour; the lag of one source is high from the tenth to the thirtieth minute."""
    key = EntityKey(Kind.SOURCE, "orders")
    presence, kept = Presence.of([], START), []
    for minute in range(60):
        at, readings = START + 60.0 * minute, SparseReadings()
        readings.put(key, "recordsLag", 50.0 if 10 <= minute < 30 else 0.0, at)
        listed = Listing([Entity(key, {"kind": "source", "name": "orders"})], frozenset(REAL_KINDS))
        poll = RecordedPoll(at, listed if minute == 0 else None, Failures(), readings)
        presence, _ = presence.after(poll.listing, at)
        kept.append(keep(poll, poll.snapshot(presence.fleet)))
    return encode(presence.fleet, pack_fleet(presence.fleet), kept)


BLOCK = _block()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with rules on main and an edit on disk, a recording in a file and in the database."""
    rules = tmp_path / "rules"
    (rules / "tests").mkdir(parents=True)
    (rules / "lag.yaml").write_text(RULES)
    (rules / "tests" / "lag.yaml").write_text(CASE)
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "rules"],
        ["commit", "--quiet", "-m", "rules"],
    ):
        subprocess.run(
            ["git", "-c", "user.name=eva", "-c", "user.email=eva@example.com", *command], cwd=tmp_path, check=True
        )
    (rules / "lag.yaml").write_text(EDITED)
    (tmp_path / "week.recording").write_bytes(b"".join(as_file([BLOCK])))
    store = Store.open(f"sqlite:///{tmp_path}/watchdog.db")
    recording.append(store, START, START + 3540.0, 60, BLOCK, limit=1e9)
    store.save_configuration("f", {"rules/lag.yaml": RULES}, START)
    store.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATCHDOG_DATABASE_URL", f"sqlite:///{tmp_path}/watchdog.db")
    monkeypatch.setenv("WATCHDOG_RULES", "rules")
    return tmp_path


@pytest.fixture
def service() -> Iterator[str]:
    """Answers the recording to whoever has the token; tests/web try the real one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.headers.get("Authorization") == "Bearer a-token-for-this-test"
            self.send_response(404 if self.path.partition("?")[0] != "/api/watchdog/v1/recording" else 200 if allowed else 401)
            self.end_headers()
            self.wfile.write(b"".join(as_file([BLOCK])) if allowed else b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
