"""Events that happen in a database: how many by an instant, and how long ago the last one; a pure function of time.

Instants are seconds since the simulator began and may be negative: the world is older than its simulator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

_MASK = 2**64 - 1
Span = tuple[float, float]


def noise(key: int, number: int) -> float:
    """A number in [0, 1) that looks random and is always the same for the same two."""
    mixed = (key ^ (number * 0x9E3779B97F4A7C15)) & _MASK
    mixed = ((mixed ^ (mixed >> 33)) * 0xFF51AFD7ED558CCD) & _MASK
    return (mixed ^ (mixed >> 33)) / 2.0**64


@dataclass(frozen=True, slots=True)
class Flow:
    """Events a second on average, rising and falling by the share `swing` every `period` seconds."""

    rate: float
    swing: float = 0.0
    period: float = 3600.0
    phase: float = 0.0
    #: Begins with this share of an event, so that not all flows tick at once.
    head: float = 0.0

    def amount(self, at: float) -> float:
        """Events between instant 0 and `at`; negative before 0."""
        if not self.swing:
            return self.rate * at + self.head
        turn = 2 * math.pi / self.period
        wave = math.sin(turn * at + self.phase) - math.sin(self.phase)
        return self.rate * (at + self.swing / turn * wave) + self.head

    def intensity(self, at: float) -> float:
        """Events a second at `at`."""
        return self.rate * (1 + self.swing * math.cos(2 * math.pi / self.period * at + self.phase))


@dataclass(frozen=True, slots=True)
class Course:
    """What keeps a connector's flow from flowing.

    `idle`: the database has no events. `unread`: the connector does not read them, and catches up afterwards.
    `resets`: its counters begin again at 0. All sorted by time.
    """

    idle: tuple[Span, ...] = ()
    unread: tuple[Span, ...] = ()
    resets: tuple[float, ...] = ()


NOTHING_SPECIAL = Course()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a connector has come: events since it was started, since ever, and seconds since the last one."""

    events: int
    ever: int
    idle_for: float | None = field(default=None)  #: None: no event since it was started


def frozen(at: float, spans: tuple[Span, ...]) -> float:
    """`at`, or the beginning of the outermost chain of spans it lies in."""
    for begins, ends in reversed(spans):
        if begins <= at < ends:
            at = begins
    return at


def progress(flow: Flow, course: Course, at: float, uptime: float) -> Progress:
    """How far a connector that was started `uptime` seconds before instant 0 has come at `at`."""
    if not (course.idle or course.unread or course.resets):
        amount = flow.amount(at)
        ever = math.floor(amount)
        events = ever - math.floor(flow.amount(-uptime))
        return Progress(events, ever, (amount - ever) / flow.intensity(at) if events > 0 else None)
    started = max((reset for reset in course.resets if reset <= at), default=-uptime)
    read_until = frozen(at, course.unread)
    seen = _produced(flow, course, read_until)
    ever = math.floor(seen)
    events = ever - math.floor(_produced(flow, course, started)) if read_until > started else 0
    if events <= 0:
        return Progress(0, ever)
    quiet_since = frozen(read_until, course.idle)
    return Progress(events, ever, at - quiet_since + (seen - ever) / flow.intensity(quiet_since))


def _produced(flow: Flow, course: Course, at: float) -> float:
    lost = sum(flow.amount(min(ends, at)) - flow.amount(begins) for begins, ends in course.idle if begins < at)
    return flow.amount(at) - lost
