"""The last poll as pages and messages see it: what was read, what is wrong, and what it says of one episode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchdog.alerts.episodes import Episode, Facts
from watchdog.cycle.facts import facts_of
from watchdog.readings.fleet import Kind
from watchdog.readings.snapshot import Snapshot
from watchdog.rules.verdicts import UNKNOWN, Verdicts


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Never changed after it is made, so it can be read from any thread."""

    at: float
    snapshot: Snapshot
    verdicts: Mapping[str, Verdicts]
    own: Mapping[str, float]
    failures: tuple[str, ...] = ()
    never_matching: tuple[str, ...] = ()  #: rules, see RuleActivity
    without_readings: Mapping[Kind, int] = field(default_factory=dict)  #: entities, by kind

    def missing(self) -> str:
        """Entities without readings in words: `3 topics, 1 task`; "" where every entity has some."""
        counts = sorted(((n, str(kind)) for kind, n in self.without_readings.items() if n), reverse=True)
        return ", ".join(f"{n} {kind}{'' if n == 1 else 's'}" for n, kind in counts)

    def facts(self, episode: Episode) -> Facts | None:
        """What this poll says of an episode that fires; None where it could not judge it."""
        verdicts = self.verdicts.get(episode.alert.rule)
        position = None if verdicts is None else verdicts.position(episode.alert.entity_key)
        if verdicts is None or position is None or not verdicts.observed[position]:
            return None
        if verdicts.truth[position] == UNKNOWN and episode.facts.reason:
            return None
        terms = verdicts.rule.variants[int(verdicts.variant[position])]
        row = int(verdicts.rows[position])
        return facts_of(verdicts, row, terms, self.snapshot, flapping=episode.flapping, firing=True)
