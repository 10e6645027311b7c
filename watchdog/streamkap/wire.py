"""One request on the wire: bounded from its first byte to its last, never to another host, never longer than allowed.

The only module that knows httpx (and httpcore below it). Whatever goes wrong leaves as an ApiError without an answer's
status; a complete answer, good or bad, leaves as an `Answer`.
"""

from __future__ import annotations

import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from watchdog.errors import ApiError, ShapeError

#: How long a blocked read may take to notice that the watchdog is stopping.
_SLICE = 0.25
_REDIRECTS = {301, 302, 303, 307, 308}
_MAX_REDIRECTS = 3
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_DEFAULT_PORT = {"http": 80, "https": 443}
#: httpcore's errors have no common base of their own.
_BROKEN: tuple[type[Exception], ...] = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
    OSError,
)


class DeadlineError(ApiError):
    """The time for this request, or for the whole poll, is over; trying again at once cannot help."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Until when something may take, on a monotonic clock."""

    ends: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Budget:
        return cls(clock() + seconds, clock)

    @property
    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.ends - self.clock())

    def at_most(self, seconds: float) -> Budget:
        """The part of this budget that one step may use."""
        return Budget(min(self.ends, self.clock() + seconds), self.clock)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-request-id") or None


class Wire:
    """Connections to one host. Safe to use from several threads.

    `max_body` bounds the bytes of one answer after decompression. `transport` replaces the network in tests.
    """

    def __init__(
        self,
        host: str,
        *,
        transport: httpx.BaseTransport | None = None,
        max_body: int = 512 * 2**20,
        user_agent: str = "streamkap-watchdog",
    ) -> None:
        self._base = _checked(host)
        self._max_body = max_body
        self._network = _Network()
        self._client = httpx.Client(
            transport=transport or _Transport(self._base, self._network),
            headers={"accept": "application/json", "user-agent": user_agent},
            follow_redirects=False,
            timeout=None,  # _Network bounds every single read by the request's own deadline
            trust_env=False,
        )

    def send(
        self,
        method: str,
        path: str,
        budget: Budget,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request and its whole answer, whatever its status; redirects within the host are followed.

        Raises ApiError: no connection, no complete answer in time, another host, too large.
        """
        what = f"{method} {path}"
        url = self._base.copy_with(path=self._base.path.rstrip("/") + path, query=None)
        if params:
            url = url.copy_merge_params(dict(params))
        sent = {"content-type": "application/json", **(headers or {})} if body is not None else dict(headers or {})
        with self._network.until(budget):
            for _ in range(_MAX_REDIRECTS + 1):
                answer = self._exchange(what, httpx.Request(method, url, headers=sent, content=body), budget)
                if answer.status not in _REDIRECTS:
                    return answer
                url = self._redirected(what, method, url, answer)
        raise ApiError(f"{what}: more than {_MAX_REDIRECTS} redirects", request_id=answer.request_id, transient=False)

    def stop(self) -> None:
        """Let every request under way fail soon, and every later one at once."""
        self._network.stopped.set()

    def close(self) -> None:
        self._client.close()

    def wait(self, seconds: float) -> None:
        """Sleep, unless stopped meanwhile."""
        self._network.stopped.wait(seconds)

    @property
    def stopped(self) -> bool:
        return self._network.stopped.is_set()

    def _exchange(self, what: str, request: httpx.Request, budget: Budget) -> Answer:
        request.headers.update({k: v for k, v in self._client.headers.items() if k not in request.headers})
        try:
            self._network.check()
            response = self._client.send(request, stream=True)
            try:
                body = self._body(what, response, budget)
            finally:
                response.close()
        except ApiError:
            raise
        except (httpcore.TimeoutException, httpx.TimeoutException) as error:
            raise self._late(what) from error
        except httpx.DecodingError as error:
            raise ShapeError(f"{what}: the answer's compression is broken") from error
        except _BROKEN as error:
            raise ApiError(f"{what}: {_reason(error)}") from error
        return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)

    def _body(self, what: str, response: httpx.Response, budget: Budget) -> bytes:
        parts, size = [], 0
        for part in response.iter_bytes():
            size += len(part)
            if size > self._max_body:
                raise ShapeError(
                    f"{what}: the answer is larger than {self._max_body} bytes",
                    status=response.status_code,
                    request_id=response.headers.get("x-request-id"),
                    transient=False,
                )
            if not budget.left:
                raise self._late(what)
            parts.append(part)
        return b"".join(parts)

    def _late(self, what: str) -> ApiError:
        if self.stopped:
            return DeadlineError(f"{what}: given up, the watchdog is stopping")
        return DeadlineError(f"{what}: no complete answer in time")

    def _redirected(self, what: str, method: str, url: httpx.URL, answer: Answer) -> httpx.URL:
        place = answer.headers.get("location", "")
        try:
            target = url.join(place) if place else None
        except httpx.InvalidURL:
            target = None
        refused = None
        if target is None or _origin(target) != _origin(url):
            # Following it would hand the token to whoever answers there.
            refused = f"to another host, {target.host if target else 'nowhere'}"
        elif method != "GET" and answer.status not in (307, 308):
            refused = "in a way that drops the request's body"
        if target is None or refused:
            raise ApiError(
                f"{what}: redirected ({answer.status}) {refused}; refused",
                status=answer.status,
                request_id=answer.request_id,
                transient=False,
            )
        return target.copy_with(userinfo=b"", fragment=None)


def _checked(host: str) -> httpx.URL:
    """The base URL; the settings have told people about mistakes, this only keeps the token safe."""
    try:
        url = httpx.URL(host)
    except httpx.InvalidURL as error:
        raise ValueError(f"{host!r} is not a URL; write e.g. https://api.streamkap.com") from error
    if url.scheme not in _DEFAULT_PORT or not url.host or url.userinfo:
        raise ValueError(f"{url.host!r} is not a base URL; write e.g. https://api.streamkap.com")
    if url.scheme == "http" and url.host not in _LOOPBACK and not url.host.startswith("127."):
        raise ValueError(f"http://{url.host} would send the token in the clear; write https://{url.host}")
    return url


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _DEFAULT_PORT.get(url.scheme)


def _reason(error: Exception) -> str:
    """What broke, in words without the URL (its query may be long)."""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, httpx.ConnectError | httpcore.ConnectError):
        return f"no connection ({text})"
    return f"the connection broke ({text})"


class _Network(httpcore.SyncBackend):
    """Sockets whose every operation ends at the deadline of the request their thread is making.

    httpx bounds single reads only: a server that drips a byte now and then would outlast any timeout.
    """

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
    def __init__(self, stream: httpcore.NetworkStream, network: _Network) -> None:
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


class _Transport(httpx.BaseTransport):
    """httpx over an httpcore pool on our own sockets; proxies as the environment names them."""

    def __init__(self, base: httpx.URL, network: _Network) -> None:
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
    if base.host in _LOOPBACK or urllib.request.proxy_bypass(base.host):
        return None
    found = urllib.request.getproxies()
    proxy = found.get(base.scheme) or found.get("all")
    if not proxy:
        return None
    return httpx.URL(proxy if "://" in proxy else f"http://{proxy}")
