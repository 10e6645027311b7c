"""Cases: one rule test each, what it does to the world and what it expects."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from watchdog.alerts.lifecycle import Phase
from watchdog.alerts.silences import Matcher
from watchdog.configuration.places import Place
from watchdog.cycle.policy import Policy
from watchdog.errors import Mistake
from watchdog.notify.message import MessageKind
from watchdog.readings.fleet import Entity, EntityKey
from watchdog.trials.series import Value

#: Monday morning, so that a test that names no start is the same on every day.
MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class Span:
    """`[start, end)` in seconds from the start of the test; `end` is infinite where none is named."""

    start: float
    end: float

    def covers(self, at: float) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class ExpectedAlert:
    at: float
    rule: str
    entity: EntityKey
    state: Phase
    place: Place


@dataclass(frozen=True, slots=True)
class ExpectedMessage:
    at: float
    to: str
    kind: MessageKind
    contains: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Restart:
    """Down from `down`, up again at `up`; the same instant for a restart between two polls."""

    down: float
    up: float


@dataclass(slots=True)
class Case:
    """One test. Instants are seconds from `start`, which is seconds since the epoch."""

    name: str
    place: Place
    policy: Policy
    start: float = MONDAY
    interval: float = 60.0
    entities: tuple[Entity, ...] = ()
    readings: dict[EntityKey, dict[str, list[Value]]] = field(default_factory=dict)
    silences: list[tuple[tuple[Matcher, ...], Span]] = field(default_factory=list)
    receivers_down: list[tuple[str, Span]] = field(default_factory=list)
    api_down: list[Span] = field(default_factory=list)
    restarts: list[Restart] = field(default_factory=list)
    acks: list[tuple[float, str, EntityKey, str]] = field(default_factory=list)
    unobserved: list[tuple[EntityKey, Span]] = field(default_factory=list)
    gone: list[tuple[EntityKey, Span]] = field(default_factory=list)
    reloads: list[tuple[float, Policy]] = field(default_factory=list)
    alerts: list[ExpectedAlert] = field(default_factory=list)
    messages: list[ExpectedMessage] | None = None
    messages_at: Place | None = None  #: where their key stands
    only: frozenset[str] | None = None
    warnings: list[Mistake] = field(default_factory=list)  #: worth a look, but no mistake

    @property
    def ends(self) -> float:
        """The later of the last reading and the last expectation, plus one minute."""
        longest = max((len(values) for found in self.readings.values() for values in found.values()), default=1)
        expected = [*(one.at for one in self.alerts), *(one.at for one in self.messages or ())]
        return max((longest - 1) * self.interval, *expected, 0.0) + 60.0
