"""HTTP on a socket: carries requests to the API and its answers back, or spoils them as a fault says."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from watchdog.simulator.exchange import Answer, error
from watchdog.simulator.faults import Fault, Kind

logger = logging.getLogger(__name__)
_MAX_BODY = 16 * 2**20
#: Closing with this resets the connection instead of ending it in order.
_NO_LINGER = struct.pack("ii", 1, 0)

#: Method, target, Authorization header and body in; what to send, how to spoil it, and the request's id out.
Handle = Callable[[str, str, str, bytes], tuple[Answer, Fault | None, str]]


class Server:
    """A listening socket with a thread for each connection; nothing of it outlives `stop`."""

    def __init__(self, handle: Handle, host: str, port: int) -> None:
        self._http = _HttpServer(handle, host, port)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="simulator", daemon=True)
        self.address: tuple[str, int] = (host, self._http.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.stopping.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._http.end_connections()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, handle: Handle, host: str, port: int) -> None:
        self.handle_asked = handle
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # Without http.server's reverse look-up of the host's name, which can take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections[request] = threading.current_thread()
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._connections.pop(request, None)

    def end_connections(self) -> None:
        """Ends what is still open, and waits for its threads."""
        with self._lock:
            left = list(self._connections.items())
        for connection, _ in left:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for _, thread in left:
            thread.join(2.0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients that hang up are what faults are for; anything else is a bug of ours.
        if not isinstance(sys.exception(), OSError):
            logger.exception("the simulator failed to answer")


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer
    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    sys_version = ""
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _MAX_BODY:
            self._write(error(413, "Request Entity Too Large"), "req-too-large")
            self.close_connection = True
            return
        content = self.rfile.read(int(length))
        answer, fault, request_id = self.server.handle_asked(
            self.command, self.path, self.headers.get("Authorization", ""), content
        )
        if fault is None:
            self._write(answer, request_id)
        else:
            self._spoil(answer, fault, request_id)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what was asked is kept in Simulator.requests."""

    def _spoil(self, answer: Answer, fault: Fault, request_id: str) -> None:
        stopping = self.server.stopping
        if fault.kind is Kind.SLOW:
            stopping.wait(fault.delay)
            self._write(answer, request_id)
        elif fault.kind is Kind.HANG:
            stopping.wait()
            self.close_connection = True
        elif fault.kind is Kind.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.close_connection = True
            # Not shutdown_request, which would end the connection in order first.
            self.connection.close()
        elif fault.kind is Kind.TRUNCATE:
            self._write(answer, request_id, part=len(answer.body) // 2)
            self.close_connection = True
        elif fault.kind is Kind.DRIP:
            self._write(answer, request_id, part=0)
            for at in range(len(answer.body)):
                if stopping.wait(fault.delay):
                    self.close_connection = True
                    return
                self.wfile.write(answer.body[at : at + 1])
        elif fault.kind is Kind.ENORMOUS:
            self._head(answer, request_id, fault.size + len(answer.body))
            blank = b" " * 65536
            for at in range(0, fault.size, len(blank)):
                self.wfile.write(blank[: fault.size - at])
            self.wfile.write(answer.body)
        else:
            self._write(answer, request_id)

    def _write(self, answer: Answer, request_id: str, part: int | None = None) -> None:
        self._head(answer, request_id, len(answer.body), answer.body if part is None else answer.body[:part])

    def _head(self, answer: Answer, request_id: str, length: int, body: bytes = b"") -> None:
        phrase = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else ""
        head = [
            f"HTTP/1.1 {answer.status} {phrase}",
            f"Server: {self.server_version}",
            f"Date: {self.date_time_string()}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {length}",
            f"X-Request-Id: {request_id}",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
        ]
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
