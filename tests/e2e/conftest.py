"""A real `watchdog run` in a process of its own, against the simulator and real sockets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from watchdog.simulator import Simulator

RULES = """
rules:
  - alert: Behind
    each: source
    expr: StreamingMilliSecondsBehindSource > 5m
    flapping: off
    annotations: {summary: "{{ name }} is {{ value | duration }} behind"}
  - alert: ApiUnreachable
    each: watchdog
    expr: poll_failures >= 2
"""


class Running:
    """`watchdog run` with its settings; start, stop and kill it as an operator (or a power cut) would."""

    def __init__(self, folder: Path, streamkap: Simulator) -> None:
        self.folder = folder
        self.streamkap = streamkap
        self.env: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "rules").mkdir()

    def rules(self, text: str) -> None:
        (self.folder / "rules" / "rules.yaml").write_text(text)

    def start(self, *options: str) -> None:
        env = {
            "PATH": os.environ["PATH"],
            "STREAMKAP_HOST": self.streamkap.url,
            "STREAMKAP_CLIENT_ID": self.streamkap.client_id,
            "STREAMKAP_SECRET": self.streamkap.secret,
            "WATCHDOG_RULES": str(self.folder / "rules"),
            "WATCHDOG_DATABASE_URL": f"sqlite:///{self.folder}/watchdog.db",
            "WATCHDOG_POLL_EVERY": "1s",
            "WATCHDOG_LISTEN": "off",
            **self.env,
        }
        command = [sys.executable, "-m", "watchdog", "run", *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, env=env, cwd=self.folder, stdout=log, stderr=log)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def kill(self) -> None:
        """As a power cut does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def terminate(self) -> float:
        """SIGTERM; how many seconds it took to end."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        return time.monotonic() - began

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()


def until(true: Callable[[], object], timeout: float = 20.0, what: str = "") -> None:
    """Wait for something another process does."""
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline, what or "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def streamkap() -> Iterator[Simulator]:
    with Simulator(sources=4) as running:
        for source in running.fleet.sources:
            running.set(source.name, "StreamingMilliSecondsBehindSource", 500)
        yield running


@pytest.fixture
def running(tmp_path: Path, streamkap: Simulator) -> Iterator[Running]:
    made = Running(tmp_path, streamkap)
    yield made
    made.close()


@pytest.fixture
def running_in(streamkap: Simulator) -> Iterator[Callable[[Path], Running]]:
    """More than one watchdog, each in a folder of its own."""
    made: list[Running] = []

    def running(folder: Path) -> Running:
        made.append(Running(folder, streamkap))
        return made[-1]

    yield running
    for one in made:
        one.close()


@pytest.fixture
def free_ports() -> tuple[int, int]:
    one, other = free_port(), free_port()
    assert one != other
    return one, other


@pytest.fixture
def wait_until() -> Callable[..., None]:
    return until


@pytest.fixture
def rules_text() -> str:
    return RULES


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def web(running, streamkap, wait_until, rules_text):
    """A running watchdog with one alert firing, and a client of its web server."""

    def start(**env: str) -> httpx.Client:
        port = free_port()
        running.env = {"WATCHDOG_LISTEN": f"127.0.0.1:{port}", **env}
        running.rules(rules_text)
        source = streamkap.fleet.sources[0]
        streamkap.set(source.id, "StreamingMilliSecondsBehindSource", 900_000)
        streamkap.rename(source.id, "<script>alert(1)</script>")
        running.start()
        client = closing.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}"))
        wait_until(lambda: _answers(client) and "watchdog_alerts{" in client.get("/metrics").text)
        return client

    with ExitStack() as closing:
        yield start


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False
