"""Places for connections: how many there are, which connection closes for a new one, which places are for probes."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from watchdog.loopback import is_loopback
from watchdog.web.proxy import neighbourhood

T = TypeVar("T", bound=Hashable)

#: Where a request's scope has its connection.
CONNECTION = "watchdog.connection"
#: Addresses remembered for their probes, and reserved places that one of them may hold.
_PROBES, _EACH = 16, 4


class Places(Generic[T]):
    """`most` places for all. Connections of one address that have not sent a whole request yet hold at most `share` of
    them. `kept` more places are reserved for loopback and for addresses that sent a probe before.

    A new connection replaces the oldest one that never finished a request: of its own address if that holds its share,
    otherwise of the address that holds the most. Connections that finished a request stay.
    """

    def __init__(self, most: int = 800, share: int = 100, kept: int = 32) -> None:
        self._most, self._share, self._kept = most, share, kept
        self._there: dict[T, str] = {}
        self._silent: dict[str, OrderedDict[T, None]] = {}  #: by address, those that never finished a request
        self._keeping: dict[T, str] = {}  #: those on kept places
        self._probes: OrderedDict[str, None] = OrderedDict()

    @property
    def crowded(self) -> bool:
        """Whether more than half of the places are taken: idle connections should close."""
        return 2 * len(self._there) > self._most

    def arrive(self, one: T, address: str) -> T | None:
        """Give a new connection a place. Returns the connection to close for it: the new one itself if no other can be
        closed, None if there is room."""
        here, address = is_loopback(address), neighbourhood(address)
        goes = self._gives_way(one, address, here)
        if goes is not None:
            self.leave(goes)
        if goes is not one:
            self._there[one] = address
            self._silent.setdefault(address, OrderedDict())[one] = None
        return goes

    def finished(self, one: T, *, probe: bool) -> None:
        """This connection has sent a whole request."""
        address = self._there.get(one)
        if address is None:
            return
        self._drop(self._silent, one, address)
        if probe:
            self._probes[address] = None
            self._probes.move_to_end(address)
            while len(self._probes) > _PROBES:
                self._probes.popitem(last=False)

    def waits(self, one: T) -> T | None:
        """The answer to this connection is delayed: until `finished` it can be closed for others.

        Returns the connection to close because its address has more than its share of them.
        """
        address = self._there.get(one)
        if address is None:
            return None
        own = self._silent.setdefault(address, OrderedDict())
        own[one] = None
        if len(own) <= self._share:
            return None
        oldest = next(iter(own))
        self.leave(oldest)
        return oldest

    def leave(self, one: T) -> None:
        address = self._there.pop(one, None)
        self._keeping.pop(one, None)
        if address is not None:
            self._drop(self._silent, one, address)

    def _gives_way(self, one: T, address: str, here: bool) -> T | None:
        own = self._silent.get(address)
        if own is not None and len(own) >= self._share:
            return next(iter(own))
        if len(self._there) - len(self._keeping) < self._most:
            return None
        fullest = max(self._silent.values(), key=len, default=None)
        if fullest:
            return next(iter(fullest))
        kept = len(self._keeping) < self._kept and Counter(self._keeping.values())[address] < _EACH
        if kept and (here or address in self._probes):
            self._keeping[one] = address
            return None
        return one

    @staticmethod
    def _drop(silent: dict[str, OrderedDict[T, None]], one: T, address: str) -> None:
        own = silent.get(address)
        if own is not None:
            own.pop(one, None)
            if not own:
                del silent[address]
