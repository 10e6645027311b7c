"""The report of a period as a value: which alerts fired, who was notified, and which of it was worth a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from watchdog.alerts.episodes import Episode, Note
from watchdog.alerts.silences import Silence
from watchdog.cycle.state import TargetHealth
from watchdog.reports.advice import Advice


@dataclass(frozen=True, slots=True)
class Period:
    """`[start, end)`; nights, days and weekends are those of `timezone`."""

    start: float
    end: float
    timezone: str = "UTC"

    def __contains__(self, at: float | None) -> bool:
        return at is not None and self.start <= at < self.end

    def local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, ZoneInfo(self.timezone))


@dataclass(frozen=True, slots=True)
class Rows:
    """What the database keeps of a period: the episodes that fired at any time in it and the notes written in it, all
    silences and targets, and when each rule last fired before it."""

    episodes: Sequence[Episode] = ()
    notes: Sequence[Note] = ()
    silences: Sequence[Silence] = ()
    targets: Sequence[TargetHealth] = ()
    last_fired: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, in seconds."""

    count: int
    median: float
    longest: float


@dataclass(frozen=True, slots=True)
class EntityLine:
    kind: str
    entity: str
    episodes: int
    firing: bool


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule that fired. `episodes` began in the period, `carried_over` before it; `firing` still do at its end.
    `ended_unacknowledged` of the `ended_notified` episodes ended before anybody acknowledged them. `advice`: what a
    longer `for` would have spared, None where it would not have helped much."""

    alert: str
    severity: str
    episodes: int
    carried_over: int
    firing: int
    pages: int
    pages_at_night: int
    pages_at_weekend: int
    to_acknowledge: Times | None
    to_end: Times | None
    ended_notified: int
    ended_unacknowledged: int
    flapping: int
    escalations: int
    entities: tuple[EntityLine, ...]
    advice: Advice | None = None


@dataclass(frozen=True, slots=True)
class ReceiverLine:
    """`messages` counts all, also ends and updates."""

    receiver: str
    pages: int
    pages_at_night: int
    pages_at_weekend: int
    messages: int


@dataclass(frozen=True, slots=True)
class DayLine:
    day: date
    episodes: int
    pages: int
    pages_at_night: int


@dataclass(frozen=True, slots=True)
class TargetLine:
    """A target that failed: how many messages it did not take at first, how many it refused for good."""

    receiver: str
    target: str
    failures: int
    refused: int
    failing_since: datetime | None
    last_error: str


@dataclass(frozen=True, slots=True)
class SilenceLine:
    """`firing` are the alerts it covers that still fire."""

    id: str
    matchers: str
    ends: datetime
    author: str
    comment: str
    firing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SilentRule:
    alert: str
    last_fired: datetime | None


@dataclass(frozen=True, slots=True)
class Report:
    """`rules` are those that fired, the noisiest first. `hours` counts pages by the hour of the local day."""

    start: datetime
    end: datetime
    timezone: str
    episodes: int
    firing: int
    pages: int
    pages_at_night: int
    pages_at_weekend: int
    ended_notified: int
    ended_unacknowledged: int
    to_acknowledge: Times | None
    to_end: Times | None
    rules: tuple[RuleLine, ...]
    receivers: tuple[ReceiverLine, ...]
    days: tuple[DayLine, ...]
    hours: tuple[int, ...]
    failed_targets: tuple[TargetLine, ...]
    ending_silences: tuple[SilenceLine, ...]
    unused_silences: tuple[SilenceLine, ...]
    unused_mutes: tuple[str, ...]
    silent_rules: tuple[SilentRule, ...]
