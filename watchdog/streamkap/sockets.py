"""Sockets whose every operation ends at the deadline of the request that their thread is making.

httpx bounds single reads only: a server that drips a byte now and then would outlast any timeout.
"""

from __future__ import annotations

import ssl
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from watchdog.loopback import is_loopback
from watchdog.streamkap.budget import Budget

#: How long a blocked read may take to notice that the watchdog is stopping.
_SLICE = 0.25


class Network(httpcore.SyncBackend):
    """Makes sockets, and knows the deadline of the request that each thread is making."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = threading.Event()
        self._request = threading.local()

    @contextmanager
    def until(self, budget: Budget) -> Iterator[None]:
        self._request.budget = budget
        try:
            yield
        finally:
            self._request.budget = None

    def check(self) -> float:
        """Seconds left to the calling thread's request; raises once there are none, or when stopping."""
        budget: Budget | None = getattr(self._request, "budget", None)
        left = budget.left if budget else _SLICE
        if self.stopped.is_set() or left <= 0:
            raise httpcore.ReadTimeout("stopped" if self.stopped.is_set() else "deadline")
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(super().connect_tcp(host, port, self.check(), local_address, socket_options), self)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, network: Network) -> None:
        self._stream, self._network = stream, network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            left = self._network.check()
            try:
                return self._stream.read(max_bytes, min(left, _SLICE))
            except httpcore.ReadTimeout:
                continue  # only this slice is over; check() knows about the rest

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._network.check())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._network.check()), self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


class Transport(httpx.BaseTransport):
    """httpx over an httpcore pool on the sockets of a Network; proxies as the environment names them."""

    def __init__(self, base: httpx.URL, network: Network) -> None:
        # A trust store costs 20 ms to load and a plain loopback address needs none.
        trust = httpx.create_ssl_context() if base.scheme == "https" else None
        proxy = _proxy(base)
        common: dict[str, Any] = {
            "ssl_context": trust,
            "max_connections": 16,
            "keepalive_expiry": 60.0,
            "network_backend": network,
        }
        self._pool: httpcore.ConnectionPool
        if proxy is None:
            self._pool = httpcore.ConnectionPool(**common)
        else:
            self._pool = httpcore.HTTPProxy(
                proxy_url=httpcore.URL(scheme=proxy.scheme, host=proxy.host, port=proxy.port, target="/"),
                proxy_auth=(proxy.username, proxy.password) if proxy.username else None,
                **common,
            )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(answer.stream, Iterable)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream))

    def close(self) -> None:
        self._pool.close()


def _proxy(base: httpx.URL) -> httpx.URL | None:
    """What HTTPS_PROXY and its siblings say for this host; loopback is never behind a proxy."""
    if is_loopback(base.host) or urllib.request.proxy_bypass(base.host):
        return None
    found = urllib.request.getproxies()
    proxy = found.get(base.scheme) or found.get("all")
    if not proxy:
        return None
    return httpx.URL(proxy if "://" in proxy else f"http://{proxy}")
