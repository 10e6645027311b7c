"""Requests over real sockets: whatever the other side does, they end in time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from watchdog.errors import ApiError, ShapeError
from watchdog.streamkap.budget import Budget
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.signin import Credentials
from watchdog.streamkap.wire import Wire

Handler = Callable[[socket.socket], None]
Serve = Callable[..., str]
TIMEOUT = 0.6


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that reads a request and hands the socket over; its base URL."""
    stopping = threading.Event()
    listeners: list[socket.socket] = []

    def start(handler: Handler, address: str = "127.0.0.1") -> str:
        listener = socket.create_server((address, 0))
        listeners.append(listener)

        def one(peer: socket.socket) -> None:
            with peer, contextlib.suppress(OSError):
                peer.settimeout(5)
                while b"\r\n\r\n" not in peer.recv(65536):
                    pass
                handler(peer)

        def loop() -> None:
            while not stopping.is_set():
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(peer,), daemon=True).start()

        threading.Thread(target=loop, daemon=True).start()
        return f"http://{address}:{listener.getsockname()[1]}"

    yield start
    stopping.set()
    for listener in listeners:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def drip(head: bytes, byte: bytes) -> Handler:
    def handler(peer: socket.socket) -> None:
        peer.sendall(head)
        until = time.monotonic() + 5
        while time.monotonic() < until:
            peer.sendall(byte)
            threading.Event().wait(0.05)

    return handler


def says(answer: bytes) -> Handler:
    return lambda peer: peer.sendall(answer)


def hang(peer: socket.socket) -> None:
    peer.recv(1)


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(("why", "handler", "text"), [
    ("never answers", hang, "no complete answer in time"),
    ("drips the body", drip(OK + b"content-length: 100000\r\n\r\n", b" "), "no complete answer in time"),
    ("drips chunks", drip(OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n"), "no complete answer in time"),
    ("drips the head", drip(OK, b"x-a: b\r\n"), "no complete answer in time"),
    ("drips one header", drip(OK + b"x-a: ", b"b"), "no complete answer in time"),
    ("is cut short", says(OK + b"content-length: 100\r\n\r\n{"), "the connection broke"),
    ("closes without a word", says(b""), "the connection broke"),
    ("resets", reset, "the connection broke"),
    ("speaks another protocol", says(b"SSH-2.0-OpenSSH_9.2\r\n"), "the connection broke"),
    ("has a broken gzip body", says(OK + b"content-encoding: gzip\r\ncontent-length: 4\r\n\r\nabcd"), "compression is broken"),
])  # fmt: skip
def test_a_request_ends_in_time_whatever_the_server_does(
    serve: Serve, why: str, handler: Handler, text: str
) -> None:
    wire = Wire(serve(handler))
    start = time.monotonic()
    with pytest.raises(ApiError, match=text) as raised:
        wire.send("GET", "/x", Budget.of(TIMEOUT))
    assert time.monotonic() - start < TIMEOUT + 0.4, why
    assert raised.value.status is None
    wire.close()


@pytest.mark.parametrize("host", ["http://127.evil.example", "http://localhost.evil.example", "http://10.0.0.1"])
def test_the_token_is_not_sent_in_the_clear_beyond_loopback(host: str) -> None:
    with pytest.raises(ValueError, match="would send the token in the clear; write https://"):
        Wire(host)


def test_loopback_is_never_behind_a_proxy(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody listens there
    base = serve(lambda peer: peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"), "127.0.0.2")
    with contextlib.closing(Wire(base)) as wire:
        assert wire.send("GET", "/", Budget.of(5)).body == b"{}"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    wire = Wire(f"http://127.0.0.1:{port}")
    with pytest.raises(ApiError, match=f"no connection to http://127.0.0.1:{port} "):
        wire.send("GET", "/x", Budget.of(TIMEOUT))
    wire.close()


def test_an_enormous_body_is_not_read_to_its_end(serve: Serve) -> None:
    def pour(peer: socket.socket) -> None:
        peer.sendall(OK + b"transfer-encoding: chunked\r\n\r\n")
        while True:
            peer.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")

    wire = Wire(serve(pour), max_body=2**20)
    with pytest.raises(ShapeError, match="larger than"):
        wire.send("GET", "/x", Budget.of(5))
    wire.close()


def test_stop_ends_a_request_under_way(serve: Serve) -> None:
    client = StreamkapClient(serve(hang), Credentials(token="t"), timeout=30.0)
    threading.Timer(0.2, client.stop).start()
    start = time.monotonic()
    with pytest.raises(ApiError, match="stopping"):
        client.request("GET", "/x", client.budget())
    assert time.monotonic() - start < 1.5
    client.close()


def test_connections_are_used_again_and_good_answers_arrive(serve: Serve) -> None:
    accepted = []

    def answer(peer: socket.socket) -> None:
        accepted.append(peer)
        for _ in range(2):
            peer.sendall(OK + b"content-length: 2\r\nX-Request-Id: r1\r\n\r\n{}")
            peer.recv(65536)

    wire = Wire(serve(answer))
    for _ in range(2):
        found = wire.send("GET", "/x", Budget.of(2))
        assert (found.status, found.body, found.request_id) == (200, b"{}", "r1")
    assert len(accepted) == 1
    wire.close()


def test_a_whole_fan_out_ends_with_its_budget(serve: Serve) -> None:
    client = StreamkapClient(serve(hang), Credentials(token="t"), timeout=0.4, threads=2)
    start = time.monotonic()
    budget = client.budget()
    results: list[Any] = client.together(lambda n: client.request("GET", f"/{n}", budget), range(20), budget)
    assert all(isinstance(result, ApiError) for result in results)
    assert time.monotonic() - start < 2 * 0.4 + 0.7
    client.close()
