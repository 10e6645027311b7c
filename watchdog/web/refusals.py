"""Wrong tokens and signatures: how many, from which addresses, and which addresses are slowed."""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from watchdog.web.proxy import neighbourhood

#: Wrong tokens of one address within a minute before it is slowed.
_FREE = 5
#: Wrong tokens of all addresses within a minute before every address is slowed that never sent the right one.
_FREE_IN_ALL = 100
_WITHIN = 60.0
#: Seconds between two checks of tokens from one slowed address, and from all slowed addresses together.
_TURN, _TURN_IN_ALL = 1.0, 0.1
#: Addresses that are remembered.
_MOST = 10_000
#: Addresses that are named in one report.
_NAMED = 20


@dataclass(slots=True)
class _Client:
    """One address: its last wrong tokens, and when its next one may be looked at."""

    wrong: deque[float] = field(default_factory=lambda: deque(maxlen=_FREE))
    next_turn: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """What was refused since the report before: how many, and from where, the most first."""

    count: int
    addresses: tuple[tuple[str, int], ...]
    unnamed: int  #: further addresses

    def __str__(self) -> str:
        named = ", ".join(f"{address or 'unknown'} ({count})" for address, count in self.addresses)
        return f"{named} and {self.unnamed} more" if self.unnamed else named


class Refusals:
    """Counts refusals and decides which addresses wait. Thread-safe. `clock` counts seconds.

    An address that guesses slows itself only. The first token from any other address is always checked, and so is
    every token from an address that sent the right one before.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._welcome: OrderedDict[str, None] = OrderedDict()  #: addresses that sent the right token
        self._next_turn = 0.0
        self._seconds: deque[list[int]] = deque()  #: a second, and how many were refused in it
        self._unreported: Counter[str] = Counter()
        self._reported_at = float("-inf")

    def slowed(self, address: str) -> bool:
        """Whether tokens from this address wait before they are checked."""
        with self._lock:
            client, key = self._client(address), neighbourhood(address)
            return self._wrong(client) >= _FREE or (self._count() >= _FREE_IN_ALL and key not in self._welcome)

    def may_try(self, address: str) -> bool:
        """Whether a token from this address is checked now; a slowed address has to wait for its turn."""
        with self._lock:
            now, client = self._clock(), self._client(address)
            wrong = self._wrong(client)
            if neighbourhood(address) in self._welcome or wrong == 0:
                return True
            if wrong < _FREE and self._count() < _FREE_IN_ALL:
                return True
            if client is None or now < client.next_turn or now < self._next_turn:
                return False
            client.next_turn, self._next_turn = now + _TURN, now + _TURN_IN_ALL
            return True

    def refused(self, address: str) -> None:
        """A wrong token or signature came from this address."""
        with self._lock:
            now, key = self._clock(), neighbourhood(address)
            client = self._clients.setdefault(key, _Client())
            self._clients.move_to_end(key)
            while len(self._clients) > _MOST:
                self._clients.popitem(last=False)
            client.wrong.append(now)
            if self._seconds and self._seconds[-1][0] == int(now):
                self._seconds[-1][1] += 1
            else:
                self._seconds.append([int(now), 1])
            if key in self._unreported or len(self._unreported) < _MOST:
                self._unreported[key] += 1
            else:
                self._unreported[""] += 1

    def accepted(self, address: str) -> None:
        """The right token came from this address."""
        with self._lock:
            key = neighbourhood(address)
            self._welcome[key] = None
            self._welcome.move_to_end(key)
            while len(self._welcome) > _MOST:
                self._welcome.popitem(last=False)

    def last_minute(self) -> int:
        """How many were refused: the reading `web_refusals`."""
        with self._lock:
            return self._count()

    def report(self) -> Report | None:
        """What was refused since the last report; None where nothing was, or that is less than a minute ago."""
        with self._lock:
            now = self._clock()
            if not self._unreported or now - self._reported_at < _WITHIN:
                return None
            found, self._unreported, self._reported_at = self._unreported, Counter(), now
        return Report(found.total(), tuple(found.most_common(_NAMED)), max(0, len(found) - _NAMED))

    def _client(self, address: str) -> _Client | None:
        return self._clients.get(neighbourhood(address))

    def _wrong(self, client: _Client | None) -> int:
        if client is None:
            return 0
        while client.wrong and self._clock() - client.wrong[0] > _WITHIN:
            client.wrong.popleft()
        return len(client.wrong)

    def _count(self) -> int:
        while self._seconds and self._clock() - self._seconds[0][0] > _WITHIN:
            self._seconds.popleft()
        return sum(count for _, count in self._seconds)
