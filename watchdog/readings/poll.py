"""One poll, as everything above meets it: what was listed, what was read, what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from watchdog.errors import ApiError
from watchdog.readings.fleet import Entity, Fleet, Kind
from watchdog.readings.snapshot import Floats, Snapshot


@dataclass(frozen=True, slots=True)
class Listing:
    """The entities that complete listings answered in one poll.

    `complete` names the kinds whose listing was read to its last page; only those prove that something is gone.
    Tasks and topics are complete together with both kinds of connectors that they belong to.
    """

    entities: Sequence[Entity]
    complete: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Values of one poll that could not be read. `sample` names one of them, fit for a log."""

    count: int = 0
    sample: str = ""

    def __add__(self, other: Dropped) -> Dropped:
        return Dropped(self.count + other.count, self.sample or other.sample)


@dataclass(frozen=True, slots=True)
class Failures:
    """Requests of one poll that failed, whether the API refused the credentials, and values that were dropped."""

    errors: tuple[ApiError, ...] = field(default=())
    refused: bool = False
    dropped: Dropped = field(default_factory=Dropped)

    def __bool__(self) -> bool:
        return bool(self.errors)


class Poll(Protocol):
    """What one poll brought. The fleet is decided above (an entity is gone only after three listings), so the snapshot
    is made for the fleet it is given: rows the poll knows nothing of have no readings, rows that a failed request would
    have answered for are unobserved."""

    @property
    def at(self) -> float: ...
    @property
    def listing(self) -> Listing | None: ...
    @property
    def failures(self) -> Failures: ...
    def snapshot(self, fleet: Fleet) -> Snapshot: ...
    def answered(self, fleet: Fleet) -> Mapping[Kind, Floats]:
        """Per row the instant of its newest reading in this poll, NaN where it had none.

        States of sources, destinations and pipelines that only a listing told do not count: they come from elsewhere
        than metrics, and would hide that those are silent. The watchdog itself is not in it.
        """
        ...
