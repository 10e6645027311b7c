"""Access tokens of the simulated API: issued for credentials, refreshed, expired, revoked."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2s
from typing import Any


class Tokens:
    """Who may ask. `ttl` is seconds; `clock` says when a token has expired."""

    def __init__(self, client_id: str, secret: str, ttl: float, clock: Callable[[], float]) -> None:
        self.client_id, self.secret, self.ttl = client_id, secret, ttl
        self._clock = clock
        self._lock = threading.Lock()
        self._issued = 0
        self._ends: dict[str, float] = {}
        self._refreshes: set[str] = set()

    def sign_in(self, client_id: object, secret: object) -> dict[str, Any] | None:
        """The documented answer of POST /auth/access-token; None: refused."""
        known = hmac.compare_digest(f"{client_id}".encode(), self.client_id.encode())
        known &= hmac.compare_digest(f"{secret}".encode(), self.secret.encode())
        return self._answer() if known else None

    def refresh(self, token: object) -> dict[str, Any] | None:
        """As sign_in, for a refresh token, which is good once."""
        with self._lock:
            if token not in self._refreshes:
                return None
            self._refreshes.discard(str(token))
        return self._answer()

    def issue(self, ttl: float | None = None) -> str:
        """A token without a sign-in, as one made on Streamkap's pages."""
        with self._lock:
            self._issued += 1
            token = f"sim.{self._issued}.{blake2s(f'{self.secret}/{self._issued}'.encode()).hexdigest()}"
            self._ends[token] = self._clock() + (self.ttl if ttl is None else ttl)
        return token

    def accepts(self, authorization: str) -> bool:
        """Whether this Authorization header is good now."""
        scheme, _, token = authorization.partition(" ")
        ends = self._ends.get(token)
        return scheme.lower() == "bearer" and ends is not None and self._clock() < ends

    def revoke(self) -> None:
        """No token issued so far is good any more."""
        with self._lock:
            self._ends.clear()
            self._refreshes.clear()

    def _answer(self) -> dict[str, Any]:
        access = self.issue()
        refresh = f"refresh.{access}"
        with self._lock:
            self._refreshes.add(refresh)
        ends = datetime.fromtimestamp(self._ends.get(access, self._clock()), UTC)
        return {
            "accessToken": access,
            "expires": ends.strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "expiresIn": int(self.ttl),
            "refreshToken": refresh,
        }
