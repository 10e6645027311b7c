"""Who may read and who may change: one token or the proxy's word, failures slowed down, origins checked."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from watchdog.store.audit import Action, Actor, Via, record
from watchdog.store.store import Store
from watchdog.web.proxy import Proxy
from watchdog.web.refusals import Refusals
from watchdog.web.sessions import COOKIE, LASTS, Sessions

logger = logging.getLogger(__name__)

#: Seconds until tokens of a slowed address are checked at once again.
_RETRY_AFTER = 60
#: Where a request's scope says what was found.
_LOOKED = "watchdog.signed_in"
#: People of the proxy that are remembered.
_MOST_GREETED = 1000


class Refusal(Enum):
    """Why a request is not answered: its status, and the words for people."""

    NO_TOKEN_SET = (403, "WATCHDOG_WEB_TOKEN is not set: nothing can be changed, and beyond loopback nothing be read")
    NOT_SIGNED_IN = (401, "a token is needed: as bearer, as password of basic authentication, or by signing in")
    FOREIGN_ORIGIN = (403, "the request comes from another site's page")
    FOREIGN_NAME = (403, "this is read without a token as localhost only; to read it under another name, set "
                         "WATCHDOG_WEB_TOKEN, or WATCHDOG_PUBLIC_URL to the address people use")  # fmt: skip
    SLOW_DOWN = (401, "too many wrong tokens: each further one from this address waits for its turn")

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
        return {**asked, "Retry-After": str(_RETRY_AFTER)} if self is Refusal.SLOW_DOWN else asked


@dataclass(slots=True)
class Access:
    """Who may do what, and who it is: WATCHDOG_WEB_TOKEN, WATCHDOG_WEB_READ and the trusted proxy. `token` "" for none.

    `own_names`: reading is open only to who calls this machine by an address, `localhost` or the name in `public_url`.
    Another site can point its own name at a loopback address, and its pages would read ours. `store` keeps sessions and
    the audit trail; without one they are in memory, and in the log. May wait for the database: call it from a thread.
    """

    token: str
    open_reading: bool
    own_names: bool = False
    public_url: str = ""
    proxy: Proxy = field(default_factory=Proxy)
    store: Store | None = None
    clock: Callable[[], float] = time.time
    refusals: Refusals = field(default_factory=Refusals)
    sessions: Sessions = field(init=False)
    _greeted: dict[str, float] = field(default_factory=dict)  #: people of the proxy, and when they were first seen

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.store, self.clock)

    @property
    def behind_https(self) -> bool:
        """Whether people reach the pages by https."""
        return self.public_url.lower().startswith("https://")

    # -- may they?

    def may_read(self, request: HTTPConnection) -> Refusal | None:
        """None where the request may read."""
        if self.open_reading and (not self.own_names or self._is_ours(request.headers.get("host", ""))):
            return None
        refused = self._signed_in(request)
        return Refusal.FOREIGN_NAME if refused is Refusal.NO_TOKEN_SET and self.open_reading else refused

    def may_change(self, request: HTTPConnection) -> Refusal | None:
        """None where the request may change something."""
        if not self.token and not self.proxy.user_header:
            return Refusal.NO_TOKEN_SET
        if not self.same_origin(request.headers):
            return Refusal.FOREIGN_ORIGIN
        return self._signed_in(request)

    def same_origin(self, headers: Mapping[str, str]) -> bool:
        """Whether a request comes from a page of ours, or from no page at all: browsers tell where one comes from,
        programs do not, and need the token anyway."""
        if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return False
        said = headers.get("origin", headers.get("referer"))
        ours = {headers.get("host"), urlsplit(self.public_url).netloc}
        return said is None or (_netloc(said) != "" and _netloc(said) in ours)

    # -- signing in and out

    def sign_in(self, request: HTTPConnection, token: str) -> str | Refusal:
        """The value of the page's cookie, or why there is none."""
        if not self.token:
            return Refusal.NO_TOKEN_SET
        if refused := self._try(token, request):
            return refused
        self.record(Actor("", Via.TOKEN, self.proxy.address(request)), Action.SIGN_IN, "on the pages")
        return self.sessions.begin(self.token)

    def sign_out(self, request: HTTPConnection) -> None:
        """End the session at the server. Raises StoreError where other replicas cannot know of it."""
        cookie = request.cookies.get(COOKIE, "")
        if self.sessions.find(cookie, self.token) is not None:
            self.record(self.actor(request), Action.SIGN_OUT, "on the pages")
            self.sessions.end(cookie, self.token)

    # -- who is it?

    def actor(self, request: HTTPConnection) -> Actor:
        """Who sent a request that may do what it asks for."""
        address = self.proxy.address(request)
        if user := self.proxy.user(request):
            return Actor(user, Via.PROXY, address)
        session = self.sessions.find(request.cookies.get(COOKIE, ""), self.token)
        if session is not None:
            return Actor(session.who, Via.SESSION, address)
        offered = _offered(request.headers.get("authorization", ""))
        return Actor("", Via.NOBODY, address) if offered is None else Actor(offered.user, Via.TOKEN, address)

    def record(self, actor: Actor, action: Action, subject: str) -> None:
        """Write to the audit trail who did what."""
        if self.store is not None:
            record(self.store, self.clock(), actor, action, subject)

    def report_refusals(self) -> None:
        """Log and record what was refused, at most once a minute. The server calls this every few seconds."""
        found = self.refusals.report()
        if found is None:
            return
        logger.warning("wrong tokens or signatures", extra={"refused": found.count, "addresses": str(found)})
        for address, count in found.addresses:
            self.record(Actor(address=address), Action.REFUSAL, f"{count} wrong tokens or signatures")

    # -- inside

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

    def _signed_in(self, request: HTTPConnection) -> Refusal | None:
        """Checked once per request: a page asks twice what its reader may do, and a wrong token must count once."""
        if _LOOKED not in request.scope:
            request.scope[_LOOKED] = self._look(request)
        found: Refusal | None = request.scope[_LOOKED]
        return found

    def _look(self, request: HTTPConnection) -> Refusal | None:
        if user := self.proxy.user(request):
            self._greet(user, request)
            return None
        if not self.token:
            return Refusal.NOT_SIGNED_IN if self.proxy.user_header else Refusal.NO_TOKEN_SET
        if self.sessions.find(request.cookies.get(COOKIE, ""), self.token) is not None:
            return None
        offered = _offered(request.headers.get("authorization", ""))
        return Refusal.NOT_SIGNED_IN if offered is None else self._try(offered.token, request)

    def _try(self, token: str, request: HTTPConnection) -> Refusal | None:
        address = self.proxy.address(request)
        slowed = self.refusals.slowed(address)
        if slowed and not self.refusals.may_try(address):
            self.refusals.refused(address)
            return Refusal.SLOW_DOWN
        if _equal(token, self.token):
            self.refusals.accepted(address)
            return None
        self.refusals.refused(address)
        return Refusal.SLOW_DOWN if slowed else Refusal.NOT_SIGNED_IN

    def _greet(self, user: str, request: HTTPConnection) -> None:
        """Record the first request of a person that the proxy signed in."""
        now = self.clock()
        if now - self._greeted.get(user, float("-inf")) < LASTS:
            return
        if len(self._greeted) >= _MOST_GREETED:
            self._greeted.clear()
        self._greeted[user] = now
        self.record(Actor(user, Via.PROXY, self.proxy.address(request)), Action.SIGN_IN, "by the proxy")


@dataclass(frozen=True, slots=True)
class _Offered:
    """What an Authorization header says. `user` is what the client calls itself."""

    token: str
    user: str = ""


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(hashlib.sha256(one.encode()).digest(), hashlib.sha256(other.encode()).digest())


def _offered(header: str) -> _Offered | None:
    """The token in an Authorization header: bearer, or the password of basic authentication."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        try:
            return _Offered(value.strip().encode("latin-1").decode())  # a header's bytes; a token may be any text
        except UnicodeError:
            return _Offered("")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeError, ValueError):
            return _Offered("")
        return _Offered(password, user)
    return None


def _netloc(url: str) -> str:
    """Host and port; "" for "null" and what is no URL."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
