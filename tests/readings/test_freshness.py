"""An answer that is older than what was seen before is no news: it is dropped."""

from __future__ import annotations

import pytest

from watchdog.configuration.files import load_texts
from watchdog.cycle.engine import Engine
from watchdog.cycle.state import Saved
from watchdog.notify.rendering import Wording
from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Fleet, Kind
from watchdog.readings.freshness import Newest
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import SparseReadings
from watchdog.streamkap.recording import RecordedPoll

A, B = EntityKey(Kind.SOURCE, "a"), EntityKey(Kind.SOURCE, "b")
BOTH = Fleet.of([Entity(A, {"name": "a"}), Entity(B, {"name": "b"})], 0.0, 1)
TURNED = Fleet.of([Entity(B, {"name": "b"}), Entity(A, {"name": "a"})], 0.0, 2)


class Seen:
    """What rules see of one metric, poll by poll."""

    def __init__(self) -> None:
        self.newest = Newest()

    def at(self, now: float, fleet: Fleet = BOTH, **read: tuple[float | str, float]) -> list[float | str | None]:
        sparse = SparseReadings()
        for name, (value, when) in read.items():
            sparse.put(EntityKey(Kind.SOURCE, name), "m", value, when)
        snapshot = self.newest.among(sparse.snapshot(now, fleet))
        column = snapshot.column(Kind.SOURCE, "m")
        self.newest.note(snapshot)
        found: list[float | str | None] = [None if value != value else value for value in column.numbers.tolist()]
        if column.texts is not None:
            found = [text or number for text, number in zip(column.texts, found, strict=True)]
        for key, value in zip(fleet.table(Kind.SOURCE).row, found, strict=True):
            assert [one.value for one in snapshot.readings(key)] == ([] if value is None else [value])
        return found


@pytest.mark.parametrize(
    ("why", "polls"),
    [
        ("newer ones follow one another", [((1, 50), [1, None]), ((2, 110), [2, None])]),
        ("an older one is dropped", [((1, 110), [1, None]), ((2, 50), [None, None]), ((3, 170), [3, None])]),
        ("the same reading again stays", [((1, 50), [1, None]), ((1, 50), [1, None])]),
        ("older than the newest of all, not only of the last",
         [((1, 58), [1, None]), ((2, 20), [None, None]), ((3, 40), [None, None]), ((4, 59), [4, None])]),
        ("texts too", [(("Active", 110), ["Active", None]), (("Broken", 50), [None, None])]),
    ],
)  # fmt: skip
def test_readings_in_order(why, polls) -> None:
    seen = Seen()
    for index, (reading, expected) in enumerate(polls):
        assert seen.at(120.0 + 60 * index, a=reading) == expected, why


def test_each_entity_has_its_own_newest_through_a_listing() -> None:
    seen = Seen()
    assert seen.at(120.0, a=(1, 110.0), b=(2, 60.0)) == [1, 2]
    assert seen.at(180.0, TURNED, a=(3, 100.0), b=(4, 100.0)) == [4, None]


def test_what_carries_no_timestamp_is_of_its_poll() -> None:
    seen = Seen()
    assert seen.at(120.0, a=(1, 110.0)) == [1, None]
    assert seen.at(180.0, a=(2, 180.0)) == [2, None]
    assert seen.at(240.0, a=(3, 150.0)) == [None, None]


def test_an_older_answer_neither_opens_nor_closes_an_alert() -> None:
    policy = load_texts({"r.yaml": "rules: [{alert: Lag, each: source, expr: recordsLag > 10, flapping: off}]"}, {})
    engine = Engine(policy, Saved(), start=0.0, every=60.0, wording=Wording(), name="w")

    def after(now: float, lag: float, read_at: float) -> int:
        sparse = SparseReadings()
        sparse.put(A, "recordsLag", lag, read_at)
        listing = Listing([Entity(A, {"kind": "source", "name": "a"})], frozenset(REAL_KINDS))
        own = {"polls_missed": 0.0, "cycle_seconds": 0.0, "rules_invalid": 0.0}
        engine.judge(RecordedPoll(now, listing, Failures(), sparse), own)
        return sum(1 for _ in engine.records.open_episodes())

    assert [after(60, 1, 50), after(120, 99, 40)] == [0, 0]
    assert [after(180, 99, 170), after(240, 1, 160), after(300, 1, 290)] == [1, 1, 0]
