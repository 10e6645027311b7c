"""One request on the wire: bounded from its first byte to its last, never to another host, never longer than allowed.

Only this and the sockets below it know httpx and httpcore. Whatever goes wrong leaves as an ApiError without an
answer's status; a complete answer, good or bad, leaves as an `Answer`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain

import httpcore
import httpx

from watchdog.errors import ApiError, ShapeError
from watchdog.loopback import is_loopback
from watchdog.streamkap.budget import Budget, DeadlineError
from watchdog.streamkap.sockets import Network, Transport

_REDIRECTS = {301, 302, 303, 307, 308}
_MAX_REDIRECTS = 3
_DEFAULT_PORT = {"http": 80, "https": 443}
#: Compressions that are asked for, with zlib's word for their headers.
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
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

    `max_body` bounds the bytes of one answer while it is decompressed. `transport` replaces the network in tests.
    """

    def __init__(
        self,
        host: str,
        *,
        transport: httpx.BaseTransport | None = None,
        max_body: int = 64 * 2**20,
        user_agent: str = "streamkap-watchdog",
    ) -> None:
        self._base = _checked(host)
        self._max_body = max_body
        self._network = Network()
        self._client = httpx.Client(
            transport=transport or Transport(self._base, self._network),
            headers={"accept": "application/json", "accept-encoding": "gzip, deflate", "user-agent": user_agent},
            follow_redirects=False,
            timeout=None,  # Network bounds every single read by the request's own deadline
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
        except _BROKEN as error:
            raise ApiError(f"{what}: {_reason(error, request.url)}") from error
        return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)

    def _body(self, what: str, response: httpx.Response, budget: Budget) -> bytes:
        if response.is_stream_consumed:  # a transport that answers from memory
            if len(response.content) > self._max_body:
                raise self._refused(what, f"is larger than {self._max_body} bytes", response)
            return response.content
        unpack = self._unpacker(what, response)
        parts, size = [], 0
        for packed in chain(response.iter_raw(), [None]):
            if not budget.left:
                raise self._late(what)
            # one byte more than allowed is enough to know
            part = unpack(packed, self._max_body + 1 - size)
            size += len(part)
            if size > self._max_body:
                raise self._refused(what, f"is larger than {self._max_body} bytes", response)
            parts.append(part)
        return b"".join(parts)

    def _unpacker(self, what: str, response: httpx.Response) -> Callable[[bytes | None, int], bytes]:
        """What turns received bytes into at most so many bytes of the body; None is the end of what was received.

        httpx unpacks a whole read at once, and a thousandfold; this never holds more than the limit.
        """
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding in ("", "identity"):
            return lambda packed, room: (packed or b"")[:room]
        if coding not in _WINDOWS:
            raise self._refused(what, f"is compressed as {coding[:20]!r}, which nobody asked for", response)
        inflate = zlib.decompressobj(_WINDOWS[coding])

        def unpack(packed: bytes | None, room: int) -> bytes:
            nonlocal inflate
            try:
                if packed is None:
                    if not inflate.eof:
                        raise zlib.error("it ends early")
                    return b""
                try:
                    return inflate.decompress(packed, room)
                except zlib.error:
                    if coding != "deflate" or inflate.unused_data:
                        raise
                    inflate = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers leave the header of zlib out
                    return inflate.decompress(packed, room)
            except zlib.error as error:
                raise ShapeError(f"{what}: the answer's compression is broken") from error

        return unpack

    def _refused(self, what: str, why: str, response: httpx.Response) -> ShapeError:
        return ShapeError(
            f"{what}: the answer {why}",
            status=response.status_code,
            request_id=response.headers.get("x-request-id"),
            transient=False,
        )

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
    if url.scheme == "http" and not is_loopback(url.host):
        raise ValueError(f"http://{url.host} would send the token in the clear; write https://{url.host}")
    return url


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _DEFAULT_PORT.get(url.scheme)


def _reason(error: Exception, url: httpx.URL) -> str:
    """What broke, in words; of the URL only who was asked (its query may be long)."""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, httpx.ConnectError | httpcore.ConnectError):
        return f"no connection to {url.scheme}://{url.netloc.decode()} ({text})"
    return f"the connection broke ({text})"
