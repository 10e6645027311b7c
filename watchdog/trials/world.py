"""The world of a rule test: what the API would answer at each instant."""

from __future__ import annotations

from dataclasses import dataclass

from watchdog.cycle.self_metrics import WATCHDOG
from watchdog.errors import ApiError
from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Kind
from watchdog.readings.freshness import fresh_value
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import SparseReadings
from watchdog.streamkap.known_shape import is_sensitive
from watchdog.streamkap.recording import RecordedPoll
from watchdog.streamkap.value import scalar
from watchdog.trials.cases import Case
from watchdog.trials.series import Value

#: As the service's own default; an entity missing from the readings causes a listing sooner.
LISTING_EVERY = 300.0
_NEVER_LISTED = (Kind.ACCOUNT, Kind.WATCHDOG)


@dataclass(slots=True)
class World:
    """Answers polls as the API would at that instant of a case; remembers what it has listed, as the poller does."""

    case: Case
    _listed_at: float | None = None
    _missing: bool = False

    def forget(self) -> None:
        """A restart: the next poll lists."""
        self._listed_at, self._missing = None, False

    def poll(self, at: float) -> RecordedPoll:
        """`at` counts from the start of the case."""
        case, now = self.case, self.case.start + at
        if any(span.covers(at) for span in case.api_down):
            down = ApiError("the API is down in this test")
            everybody = frozenset(str(one.key) for one in case.entities if one.key.kind is not Kind.WATCHDOG)
            return RecordedPoll(now, None, Failures((down,)), SparseReadings(), everybody)
        gone = {key for key, span in case.gone if span.covers(at)}
        unobserved = {key for key, span in case.unobserved if span.covers(at)}
        dark = {one.key for one in case.entities if not unobserved.isdisjoint((one.key, one.connector))}
        there = [one for one in case.entities if one.key not in gone and one.connector not in gone]
        readings = self._readings(there, dark, at, now)
        listing = None
        if self._listed_at is None or self._missing or at - self._listed_at >= LISTING_EVERY:
            listing = Listing([one for one in there if one.key.kind is not Kind.WATCHDOG],
                              frozenset(kind for kind in REAL_KINDS if kind is not Kind.WATCHDOG))  # fmt: skip
            self._listed_at = at
        # an entity that is known and has no reading makes the poller look whether it is still listed
        self._missing = any(
            one.key.kind not in _NEVER_LISTED
            and one.key not in dark
            and not readings.values.get(one.key)
            for one in case.entities
        )
        failures = Failures((ApiError("a request fails in this test"),)) if dark else Failures()
        return RecordedPoll(now, listing, failures, readings, frozenset(map(str, dark)))

    def own(self, at: float) -> dict[str, float]:
        """Readings that the test gives the watchdog itself; the others come from the run."""
        index = round(at / self.case.interval)
        given = self.case.readings.get(WATCHDOG, {})
        found = {metric: values[index] for metric, values in given.items() if index < len(values)}
        return {metric: value for metric, value in found.items() if isinstance(value, float)}

    def _readings(self, there: list[Entity], dark: set[EntityKey], at: float, now: float) -> SparseReadings:
        index = round(at / self.case.interval)
        readings = SparseReadings()
        for entity in there:
            if entity.key in dark:
                continue
            for metric, values in self.case.readings.get(entity.key, {}).items():
                value = values[index] if index < len(values) else None
                if value is not None and not is_sensitive(metric):
                    readings.put(entity.key, metric, _decoded(metric, value, now), now)
        return readings


def _decoded(metric: str, value: Value, now: float) -> Value:
    """What a poll makes of a value that the API answers: numbers of numeric texts, nothing of what is not finite."""
    return fresh_value(scalar(metric, value), metric, now, now)
