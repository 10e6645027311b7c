"""How long entities have been silent, poll by poll."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from watchdog.readings.catalogue import CATALOGUE
from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Fleet, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.reading_age import Ages
from watchdog.readings.snapshot import Floats, Snapshot, SparseReadings

OLD, NEW = EntityKey(Kind.SOURCE, "old"), EntityKey(Kind.SOURCE, "new")
TASK = EntityKey(Kind.TASK, "old/0")
WATCHDOG = EntityKey(Kind.WATCHDOG, "watchdog")


def fleet(*keys: EntityKey, version: int = 1) -> Fleet:
    return Fleet.of([Entity(key, {"name": key.id}) for key in keys], 0.0, version)


@dataclass
class Answer:
    """A poll that answered readings of these instants."""

    at: float
    newest: dict[EntityKey, float] = field(default_factory=dict)
    listing: Listing | None = None
    failures: Failures = field(default_factory=Failures)
    dark: tuple[EntityKey, ...] = ()

    def snapshot(self, fleet: Fleet) -> Snapshot:
        dark = {kind: np.array([key in self.dark for key in fleet.table(kind).row], dtype=bool) for kind in REAL_KINDS}
        return SparseReadings().snapshot(self.at, fleet, dark)

    def answered(self, fleet: Fleet) -> dict[Kind, Floats]:
        return {kind: np.array([self.newest.get(key, np.nan) for key in fleet.table(kind).row]) for kind in Kind}


def after(ages: Ages, at: float, known: Fleet, **newest: float) -> Snapshot:
    poll = Answer(at, {EntityKey(Kind.SOURCE, name): instant for name, instant in newest.items()})
    snapshot = poll.snapshot(known)
    ages.update(snapshot, poll)
    return ages.beside(snapshot)


def test_ages_run_from_the_newest_reading_or_the_first_listing() -> None:
    ages, two = Ages(), fleet(OLD, NEW)
    assert after(ages, 100.0, two, old=90.0).column(Kind.SOURCE, "reading_age").numbers.tolist() == [10.0, 0.0]
    assert after(ages, 160.0, two).column(Kind.SOURCE, "reading_age").numbers.tolist() == [70.0, 60.0]
    assert after(ages, 200.0, two, new=999.0).column(Kind.CONNECTOR, "reading_age").numbers.tolist() == [110.0, 0.0]


def test_an_older_answer_does_not_make_an_entity_older() -> None:
    ages, one = Ages(), fleet(OLD)
    after(ages, 100.0, one, old=100.0)
    assert after(ages, 130.0, one, old=40.0).column(Kind.SOURCE, "reading_age").numbers.tolist() == [30.0]


def test_ages_follow_their_entities_through_a_listing_and_a_restart() -> None:
    ages = Ages()
    after(ages, 100.0, fleet(OLD), old=80.0)
    restored = Ages()
    restored.restore(ages.rosters(), ages.saved(100.0))
    seen = after(restored, 130.0, fleet(NEW, OLD, WATCHDOG, version=2))
    assert seen.column(Kind.SOURCE, "reading_age").numbers.tolist() == [0.0, 50.0]
    assert seen.column(Kind.WATCHDOG, "reading_age").numbers.tolist() == [0.0]


def test_an_entity_without_readings_is_counted_from_its_first_silent_poll_and_an_outage_counts_nobody() -> None:
    ages, two = Ages(), fleet(OLD, NEW, WATCHDOG)
    after(ages, 100.0, two, old=100.0, new=100.0)
    assert sum(ages.without_readings().values()) == 0
    outage = Answer(130.0, dark=(OLD, NEW))
    ages.update(outage.snapshot(two), outage)
    assert sum(ages.without_readings().values()) == 0
    after(ages, 160.0, two, old=160.0)
    assert sum(ages.without_readings().values()) == 1

    restored = Ages()
    restored.restore(ages.rosters(), ages.saved(160.0))
    outage = Answer(190.0, dark=(OLD, NEW))
    restored.update(outage.snapshot(two), outage)
    assert sum(restored.without_readings().values()) == 1  # a restart in an outage changes nothing
    after(restored, 220.0, two, old=220.0, new=220.0)
    assert sum(restored.without_readings().values()) == 0


def test_the_age_is_a_reading_like_any_other() -> None:
    seen = after(Ages(), 100.0, fleet(OLD), old=80.0)
    assert [(reading.metric, reading.value) for reading in seen.readings(OLD)] == [("reading_age", 20.0)]
    assert seen.names(Kind.SOURCE) == {"reading_age"}
    assert seen.names(Kind.TOPIC) == set()


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=lambda metric: metric.name)
def test_every_known_metric_is_described(metric) -> None:
    assert metric.on and metric.meaning.endswith(".")
    assert metric.unit in {"", "ms", "s", "bytes", "records", "records/s", "state"}
    assert not metric.text or metric.unit == "state" or metric.sensitive
