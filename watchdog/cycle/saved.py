"""What is kept between cycles: what is loaded at the start, what one step changes; the store maps it to rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from watchdog.alerts.episodes import Episode, Note
from watchdog.alerts.life import AlertKey, AlertState
from watchdog.alerts.silences import Silence
from watchdog.notify.duties import Duty
from watchdog.notify.groups import Group
from watchdog.notify.ledger import Entry
from watchdog.notify.routes import GroupKey


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
    (`cycle`: the last cycle's instant and counters, `held`: when a silence or mute last did something).
    """

    alerts: dict[AlertKey, AlertState] = field(default_factory=dict)
    episodes: dict[str, Episode] = field(default_factory=dict)
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    groups: dict[GroupKey, Group] = field(default_factory=dict)
    duties: dict[int, Duty] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    targets: dict[str, TargetHealth] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    next_duty: int = 1


@dataclass(slots=True)
class Changes:
    """What one step wants written, in one transaction. None as a value deletes the row."""

    alerts: dict[AlertKey, AlertState | None] = field(default_factory=dict)
    episodes: dict[str, Episode] = field(default_factory=dict)
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    groups: dict[GroupKey, Group | None] = field(default_factory=dict)
    duties: dict[int, Duty | None] = field(default_factory=dict)
    targets: dict[str, TargetHealth] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    documents: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any((self.alerts, self.episodes, self.entries, self.groups, self.duties, self.targets, self.notes,
                    self.documents))  # fmt: skip
