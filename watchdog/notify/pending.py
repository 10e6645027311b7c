"""Pending notifications: what one target is owed, saved before anything is sent, and when it is tried next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from watchdog.notify.message import MessageKind
from watchdog.notify.routes import GroupKey

#: Seconds a message waits for its target before the fallback is told.
HAND_OVER_AFTER = 120.0
_SLOWEST = 300.0
_PATIENT_FOR = 86400.0
_HOURLY = 3600.0


class Part(StrEnum):
    """What a duty owes for one episode."""

    BEGIN = "begin"
    END = "end"
    UPDATE = "update"
    REMIND = "remind"
    ESCALATE = "escalate"


#: Parts that ask somebody to look. An end, an update, and what began and ended while a target was down are no pages.
PAGES = frozenset({Part.BEGIN, Part.REMIND, Part.ESCALATE})


@dataclass(frozen=True, slots=True)
class Item:
    episode: str
    part: Part


@dataclass(frozen=True, slots=True)
class ReportSpan:
    """What a report covers: `[start, end)`, in whose time zone, and which receivers get it."""

    start: float
    end: float
    timezone: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PendingNotification:
    """One message owed to one target.

    `id` grows: duties of one target and group are sent in this order. `cause`: why this target hears it (whom it stands
    in for, which silence ran out). `incident`: PagerDuty's key, "" elsewhere. `attempts` were made, the next at
    `next_try`; `handed_over`: the fallback was given it; `last_error` is scrubbed. A `report` has no items.
    """

    id: int
    target: str
    receiver: str
    group: GroupKey
    kind: MessageKind
    items: tuple[Item, ...]
    created: float
    next_try: float
    cause: str = ""
    incident: str = ""
    attempts: int = 0
    handed_over: bool = False
    is_fallback: bool = False
    last_error: str = ""
    report: ReportSpan | None = None

    def failed(self, now: float, error: str, retry_after: float | None) -> PendingNotification:
        """After a temporary failure: 1, 2, 4, … seconds up to 5 minutes; after 24 hours hourly. Retry-After is obeyed
        up to 5 minutes."""
        pause = min(2.0 ** min(self.attempts, 20), _SLOWEST)
        if now - self.created >= _PATIENT_FOR:
            pause = _HOURLY
        elif retry_after is not None:
            pause = max(pause, min(retry_after, _SLOWEST))
        return replace(self, attempts=self.attempts + 1, next_try=now + pause, last_error=error)

    @property
    def hand_over_at(self) -> float | None:
        """When the fallback has to be given it, if its target cannot be reached."""
        return None if self.handed_over or self.is_fallback else self.created + HAND_OVER_AFTER
