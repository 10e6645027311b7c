"""The image's health check, against servers that are well, unwell, silent, or not there."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from watchdog.probe import probe


@contextmanager
def _service(status: int, text: str, family: int = socket.AF_INET, host: str = "127.0.0.1") -> Iterator[int]:
    """A server whose /healthz answers so; yields its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code = status if self.path == "/healthz" else 404
            self.send_response(code)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        address_family = family

    with Server((host, 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("why", "status", "listen", "code"),
    [
        ("200 is well", 200, "127.0.0.1:{port}", 0),
        ("listening everywhere is asked on loopback", 200, "0.0.0.0:{port}", 0),
        ("no host is everywhere, too", 200, ":{port}", 0),
        ("503 is not well: cycles stopped ending", 503, "127.0.0.1:{port}", 1),
        ("a redirect is not well", 302, "127.0.0.1:{port}", 1),
    ],
)
def test_the_answer_decides(why: str, status: int, listen: str, code: int) -> None:
    with _service(status, "last cycle 4m ago") as port:
        got, reason = probe({"WATCHDOG_LISTEN": listen.format(port=port)})
    assert got == code, why
    assert str(status) in reason
    assert "last cycle 4m ago" in reason


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python was built without IPv6")
def test_an_ipv6_address_is_asked_in_its_own_family() -> None:
    try:
        with _service(200, "ok", socket.AF_INET6, "::1") as port:
            assert probe({"WATCHDOG_LISTEN": f"[::]:{port}"})[0] == 0
    except OSError:
        return  # a container without an IPv6 loopback has nothing to get wrong


def test_nobody_there_is_not_well_and_says_where_it_asked(closed_port: int) -> None:
    code, reason = probe({"WATCHDOG_LISTEN": f"0.0.0.0:{closed_port}"})
    assert code == 1
    assert f"0.0.0.0:{closed_port}/healthz did not answer" in reason


def test_a_proxy_for_the_outside_world_is_not_asked(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    with _service(200, "ok") as port:
        assert probe({"WATCHDOG_LISTEN": f"127.0.0.1:{port}"})[0] == 0


def test_without_a_server_there_is_nothing_to_ask() -> None:
    code, reason = probe({"WATCHDOG_LISTEN": "off"})
    assert code == 0
    assert "heartbeat" in reason


@pytest.mark.parametrize("listen", ["8080x", "localhost", "[::1]"])
def test_an_address_without_a_port_is_named(listen: str) -> None:
    code, reason = probe({"WATCHDOG_LISTEN": listen})
    assert code == 1
    assert listen in reason


@pytest.mark.parametrize(("status", "code", "stream"), [(200, 0, "stdout"), (503, 1, "stderr")])
def test_as_docker_runs_it(status: int, code: int, stream: str, run_probe: Callable[[str], _Run]) -> None:
    with _service(status, "said by the service") as port:
        run = run_probe(f"127.0.0.1:{port}")
    assert run.returncode == code
    assert "said by the service" in getattr(run, stream)


_Run = subprocess.CompletedProcess[str]


@pytest.fixture
def run_probe() -> Callable[[str], _Run]:
    def run(listen: str) -> _Run:
        return subprocess.run(
            [sys.executable, "-m", "watchdog.probe"],
            env={"WATCHDOG_LISTEN": listen},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    return run
