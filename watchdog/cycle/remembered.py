"""What is remembered of the cycles themselves, from one to the next and over a restart."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from watchdog.cycle.own import Health
from watchdog.readings.fleet import EntityKey, Kind
from watchdog.readings.roster import Absence


class Remembered(msgspec.Struct, frozen=True):
    """The last cycle's instant (None before the first), how the polls went, what listings have missed."""

    at: float | None = None
    health: Health | None = None
    missing: dict[str, tuple[int, float]] = {}  # msgspec copies it

    @classmethod
    def of(cls, at: float | None, health: Health, absences: Mapping[EntityKey, Absence]) -> Remembered:
        return cls(at, health, {str(key): (found.listings, found.since) for key, found in absences.items()})

    @classmethod
    def decode(cls, text: str | None) -> Remembered:
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
