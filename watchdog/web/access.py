"""Who may read and who may change: one token, compared in constant time, failures slowed down, origins checked."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address
from urllib.parse import urlsplit

#: So many wrong tokens within a minute, and every further one waits.
_FAILURES = 5
_WITHIN = 60.0
COOKIE = "watchdog_session"
SESSION = 12 * 3600.0


class Refusal(Enum):
    """Why a request is not answered: its status, and the words for people."""

    NO_TOKEN_SET = (403, "WATCHDOG_WEB_TOKEN is not set: nothing can be changed, and beyond loopback nothing be read")
    NOT_SIGNED_IN = (401, "a token is needed: as bearer, as password of basic authentication, or by signing in")
    FOREIGN_ORIGIN = (403, "the request comes from another site's page")
    FOREIGN_NAME = (403, "this is read without a token as localhost only; to read it under another name, set "
                         "WATCHDOG_WEB_TOKEN, or WATCHDOG_PUBLIC_URL to the address people use")  # fmt: skip
    SLOW_DOWN = (401, "too many wrong tokens: each further one waits; the right one does not")

    @property
    def status(self) -> int:
        return self.value[0]

    @property
    def why(self) -> str:
        return self.value[1]

    @property
    def headers(self) -> dict[str, str]:
        """What a client needs to do better."""
        asked = {"WWW-Authenticate": 'Basic realm="watchdog"'} if self.status == 401 else {}
        return {**asked, "Retry-After": f"{_WITHIN:.0f}"} if self is Refusal.SLOW_DOWN else asked


@dataclass(slots=True)
class Access:
    """The rules of WATCHDOG_WEB_TOKEN and WATCHDOG_WEB_READ. `token` "" for none; `clock` counts seconds.

    `own_names`: reading is open only to who calls this machine by an address, `localhost` or the name in `public_url`.
    Another site can point its own name at a loopback address, and its pages would read ours.
    """

    token: str
    open_reading: bool
    clock: Callable[[], float] = time.monotonic
    own_names: bool = False
    public_url: str = ""
    _failures: deque[float] = field(default_factory=lambda: deque(maxlen=_FAILURES))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def may_read(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Refusal | None:
        """None where the request may read."""
        if self.open_reading and (not self.own_names or self._is_ours(headers.get("host", ""))):
            return None
        if self.open_reading and not self.token:
            return Refusal.FOREIGN_NAME
        return self._signed_in(headers, cookies)

    def may_change(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Refusal | None:
        """None where the request may change something."""
        if not self.token:
            return Refusal.NO_TOKEN_SET
        if not self.same_origin(headers):
            return Refusal.FOREIGN_ORIGIN
        return self._signed_in(headers, cookies)

    def same_origin(self, headers: Mapping[str, str]) -> bool:
        """Whether a request comes from a page of ours, or from no page at all: browsers tell where one comes from,
        programs do not, and need the token anyway."""
        if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return False
        said = headers.get("origin", headers.get("referer"))
        ours = {headers.get("host"), urlsplit(self.public_url).netloc}
        return said is None or (_netloc(said) != "" and _netloc(said) in ours)

    def sign_in(self, token: str) -> str | Refusal:
        """A session for the page's cookie, or why there is none."""
        if not self.token:
            return Refusal.NO_TOKEN_SET
        if refused := self._try(token):
            return refused
        ends = f"{self.clock() + SESSION:.0f}"
        return f"{ends}.{self._signature(ends)}"

    def _is_ours(self, host: str) -> bool:
        """Whether a Host header names this machine; a browser always sends one."""
        if not host:
            return True
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name == "localhost" or name.endswith(".localhost") or name == urlsplit(self.public_url).hostname:
            return True
        try:
            return bool(ip_address(name))
        except ValueError:
            return False

    def _signed_in(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Refusal | None:
        if not self.token:
            return Refusal.NO_TOKEN_SET
        session = cookies.get(COOKIE, "")
        ends, _, signature = session.partition(".")
        ours = self._signature(ends).encode()
        if signature and hmac.compare_digest(signature.encode(), ours) and self.clock() < float(ends):
            return None
        offered = _offered(headers.get("authorization", ""))
        return Refusal.NOT_SIGNED_IN if offered is None else self._try(offered)

    def _try(self, token: str) -> Refusal | None:
        if _equal(token, self.token):
            return None  # who has it is let in, also while somebody else guesses
        guessed_at = self.guessed_at
        with self._lock:
            self._failures.append(self.clock())
        return Refusal.SLOW_DOWN if guessed_at else Refusal.NOT_SIGNED_IN

    @property
    def guessed_at(self) -> bool:
        """Whether so many wrong tokens came lately that further ones are answered late."""
        with self._lock:
            while self._failures and self.clock() - self._failures[0] > _WITHIN:
                self._failures.popleft()
            return len(self._failures) >= _FAILURES

    def _signature(self, ends: str) -> str:
        # a new token ends every session
        return hmac.new(self._key + self.token.encode(), ends.encode(), hashlib.sha256).hexdigest()


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(hashlib.sha256(one.encode()).digest(), hashlib.sha256(other.encode()).digest())


def _offered(header: str) -> str | None:
    """The token in an Authorization header: bearer, or the password of basic authentication."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        try:
            return value.strip().encode("latin-1").decode()  # a header's bytes; the token may have been any text
        except UnicodeError:
            return ""
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return None


def _netloc(url: str) -> str:
    """Host and port; "" for "null" and what is no URL."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
