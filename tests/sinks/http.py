"""HTTP sinks: a webhook, and one TLS server behind a CONNECT proxy that answers as Slack and PagerDuty."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import trustme


@dataclass(frozen=True)
class Request:
    """What arrived, byte by byte."""

    host: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, handler: _Handler) -> None:
        handler.send_response(self.status)
        for name, value in {"Content-Length": str(len(self.body)), **self.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(self.body)


Behaviour = Callable[["_Handler"], None]


def hang(handler: _Handler) -> None:
    """Take the request and never answer."""
    handler.close_connection = True
    handler.server.closing.wait(120)


def drip(handler: _Handler) -> None:
    """Answer one byte at a time: no single read times out."""
    handler.close_connection = True
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 2000:
        handler.connection.sendall(bytes([byte]))
        if handler.server.closing.wait(0.2):
            return


def close(handler: _Handler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def reset(handler: _Handler) -> None:
    """Reset the connection instead of answering."""
    handler.close_connection = True
    handler.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.raw.close()


class HttpSink(socketserver.ThreadingTCPServer):
    """Keeps what arrives; answers with what `script` was given, in order, then with its default."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, default: Behaviour = Reply()) -> None:  # frozen
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[Request] = []
        self.closing = threading.Event()
        self.tls: ssl.SSLContext | None = None
        self._default = default
        self._script: list[Behaviour] = []
        self._news = threading.Condition()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """As apprise wants it, less its scheme: `json://` + url."""
        return f"127.0.0.1:{self.port}"

    def script(self, *behaviours: Behaviour) -> None:
        """Behave like this next, once each."""
        self._script.extend(behaviours)

    def behave(self, default: Behaviour) -> None:
        """Behave like this from now on."""
        self._default = default

    def note(self, request: Request) -> Behaviour:
        with self._news:
            self.received.append(request)
            self._news.notify_all()
            return self._script.pop(0) if self._script else self.default_for(request)

    def default_for(self, request: Request) -> Behaviour:
        return self._default

    def wait(self, count: int, timeout: float = 10.0) -> list[Request]:
        """The requests, as soon as there are `count`; fails when there are fewer after `timeout` seconds."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.received) >= count, timeout), (count, self.received)
            return list(self.received)

    def env(self) -> dict[str, str]:
        """What a process needs in its environment to reach this sink."""
        return {}

    def stop(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of most tests."""


class TlsSinks(HttpSink):
    """hooks.slack.com, slack.com and events.pagerduty.com behind one CONNECT proxy. `folder` keeps the certificate."""

    HOSTS = ("hooks.slack.com", "slack.com", "events.pagerduty.com", "events.eu.pagerduty.com")
    SLACK_URL = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    SLACK_BOT_URL = "slack://xoxb-1234-1234-abc124/#alerts"
    PAGERDUTY_URL = "pagerduty://routingkey0123456789@apikey0123456789"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        authority = trustme.CA()
        self._bundle = folder / "sinks-ca.pem"
        authority.cert_pem.write_to_path(str(self._bundle))
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*self.HOSTS, "localhost", "127.0.0.1").configure_cert(self.tls)
        self.tunnels: dict[str, int] = {}  #: hosts that another server on this machine plays, by its port

    def env(self) -> dict[str, str]:
        proxy = f"http://127.0.0.1:{self.port}"
        return {
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "REQUESTS_CA_BUNDLE": str(self._bundle),
        }

    def to(self, host: str) -> list[Request]:
        """What arrived for one of the hosts."""
        return [request for request in self.received if request.host == host]

    def default_for(self, request: Request) -> Behaviour:
        if request.host.startswith("events."):
            return Reply(202, b'{"status":"success","message":"Event processed","dedup_key":"x"}')
        if request.host == "slack.com":
            return Reply(200, b'{"ok":true,"channel":"C1","ts":"1.1"}', {"Content-Type": "application/json"})
        return super().default_for(request)


def _tunnel(client: socket.socket, port: int) -> None:
    """Pass bytes both ways until one side closes."""
    with socket.create_connection(("127.0.0.1", port)) as server:
        other = {client: server, server: client}
        while True:
            for ready in select.select([*other], [], [])[0]:
                with contextlib.suppress(OSError):
                    if data := ready.recv(65536):
                        other[ready].sendall(data)
                        continue
                return


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HttpSink
    connection: socket.socket

    def setup(self) -> None:
        super().setup()
        self.raw = self.connection
        self.host = ""

    def finish(self) -> None:
        # the server closes the socket it accepted, which TLS has taken over
        with contextlib.suppress(OSError, ValueError):
            super().finish()
        for file in (self.rfile, self.wfile, self.connection):
            with contextlib.suppress(OSError, ValueError):
                file.close()

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = dict(self.headers.items())
        request = Request(
            self.host or headers.get("Host", ""), self.command, self.path, headers, body, time.monotonic()
        )
        self.server.note(request)(self)

    do_GET = do_POST = do_PUT = handle_any

    def do_CONNECT(self) -> None:
        """Be the proxy, and right behind it the host that was asked for."""
        self.host = self.path.partition(":")[0]
        self.send_response(200)
        self.end_headers()
        if (port := getattr(self.server, "tunnels", {}).get(self.host)) is not None:
            _tunnel(self.connection, port)
            self.close_connection = True
            return
        assert self.server.tls is not None
        self.connection = self.request = self.raw = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = socketserver._SocketWriter(self.connection)  # type: ignore[attr-defined]
        self.close_connection = False

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""
