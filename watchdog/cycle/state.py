"""State kept between cycles: loaded at the start, changed by each step; the store maps it to rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from watchdog.alerts.episodes import Episode, Note
from watchdog.alerts.lifecycle import AlertKey, AlertState
from watchdog.alerts.silences import Silence
from watchdog.cycle.self_metrics import Health
from watchdog.notify.groups import Group
from watchdog.notify.ledger import Entry
from watchdog.notify.pending import PendingNotification
from watchdog.notify.routes import GroupKey
from watchdog.readings.fleet import EntityKey, Kind
from watchdog.readings.presence import Absence


class CycleState(msgspec.Struct, frozen=True):
    """The last cycle's instant (None before the first), how the polls went, what listings have missed."""

    at: float | None = None
    health: Health | None = None
    missing: dict[str, tuple[int, float]] = {}  # msgspec copies it

    @classmethod
    def of(cls, at: float | None, health: Health, absences: Mapping[EntityKey, Absence]) -> CycleState:
        return cls(at, health, {str(key): (found.listings, found.since) for key, found in absences.items()})

    @classmethod
    def decode(cls, text: str | None) -> CycleState:
        return cls() if text is None else msgspec.json.decode(text, type=cls)

    def encode(self) -> str:
        return msgspec.json.encode(self).decode()

    @property
    def absences(self) -> dict[EntityKey, Absence]:
        found = {}
        for text, absence in self.missing.items():
            kind, _, entity = text.partition("/")
            found[EntityKey(Kind(kind), entity)] = Absence(*absence)
        return found


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """What a target's last answers were. `failing_since` None: the last one was fine."""

    target: str
    receiver: str
    label: str
    last_accepted: float | None = None
    failing_since: float | None = None
    last_error: str = ""
    delivered: int = 0


@dataclass(slots=True)
class Saved:
    """Everything a service needs to go on where the last one stopped.

    `episodes`: open ones, and ended ones that some entry or duty still needs. `documents` are small named JSON texts
    (`cycle`: the last cycle's instant and counters, `held`: when a silence or mute last did something, `reports`: when
    a report was last made).
    """

    alerts: dict[AlertKey, AlertState] = field(default_factory=dict)
    episodes: dict[str, Episode] = field(default_factory=dict)
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    groups: dict[GroupKey, Group] = field(default_factory=dict)
    notifications: dict[int, PendingNotification] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    targets: dict[str, TargetHealth] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    next_notification: int = 1


@dataclass(slots=True)
class Changes:
    """What one step wants written, in one transaction. None as a value deletes the row."""

    alerts: dict[AlertKey, AlertState | None] = field(default_factory=dict)
    episodes: dict[str, Episode] = field(default_factory=dict)
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    groups: dict[GroupKey, Group | None] = field(default_factory=dict)
    notifications: dict[int, PendingNotification | None] = field(default_factory=dict)
    targets: dict[str, TargetHealth] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    documents: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any((self.alerts, self.episodes, self.entries, self.groups, self.notifications, self.targets, self.notes,
                    self.documents))  # fmt: skip
