"""Signing in: credentials to an access token, renewed in time and by one thread only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from watchdog.errors import ShapeError

#: Seconds before its end at which a token is renewed.
_EARLY = 60.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client id with its secret, or a ready access token. Neither shows in its text."""

    client_id: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not self.token and not (self.client_id and self.secret):
            raise ValueError("credentials need a client id and its secret, or a token")

    @property
    def static(self) -> bool:
        """A ready token: there is nothing to renew it with."""
        return bool(self.token)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the instant (on the monotonic clock) from which on it is renewed; None: only after a 401."""

    text: str = field(repr=False)
    renew_at: float | None = None


class Exchange(Protocol):
    """Asks the API for a token; raises SignInError where it refuses, ApiError where it cannot be asked."""

    def __call__(self, credentials: Credentials) -> Token: ...


class SignIn:
    """The current token. While one thread renews it, the others wait for that one's result."""

    def __init__(self, credentials: Credentials, clock: Callable[[], float]) -> None:
        self.credentials = credentials
        self._clock = clock
        self._lock = threading.Lock()
        self._token = Token(credentials.token) if credentials.static else None

    def token(self, exchange: Exchange) -> Token:
        """A token that is good for now."""
        with self._lock:
            if self._token is None or self._is_due(self._token):
                self._token = exchange(self.credentials)
            return self._token

    def renewed(self, refused: Token, exchange: Exchange) -> Token:
        """Another token than the one just refused; whoever comes second gets the first one's."""
        with self._lock:
            if self._token is None or self._token.text == refused.text:
                self._token = None
                self._token = exchange(self.credentials)
            return self._token

    @property
    def secrets(self) -> list[str]:
        """Texts that no message may contain."""
        token = self._token
        known = [self.credentials.secret, self.credentials.token, token.text if token else ""]
        return [text for text in known if text]

    def _is_due(self, token: Token) -> bool:
        return token.renew_at is not None and self._clock() >= token.renew_at


def token_of(document: object, now: float) -> Token:
    """The token in an answer of POST /auth/access-token, received at `now`. Raises ShapeError."""
    found = document if isinstance(document, dict) else {}
    text = found.get("accessToken") or found.get("access_token")
    if not isinstance(text, str) or not text or not text.isascii() or not text.isprintable():
        raise ShapeError("POST /auth/access-token: the answer holds no accessToken", transient=False)
    lasts = found.get("expiresIn", found.get("expires_in"))
    if isinstance(lasts, bool) or not isinstance(lasts, int | float) or not 0 < lasts < 1e9:
        return Token(text)
    # A token that lives no longer than a minute would otherwise be renewed before every single request.
    return Token(text, now + (lasts - _EARLY if lasts > _EARLY else lasts / 2))
