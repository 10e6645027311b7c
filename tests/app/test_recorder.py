"""The recorder writes once a minute, joins ten minutes, and never holds more than a block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog.app.recorder import Recorder
from watchdog.readings.fleet import Entity, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.presence import Presence
from watchdog.readings.recorded_polls import polls_of
from watchdog.readings.snapshot import SparseReadings
from watchdog.store import recording
from watchdog.store.store import Store
from watchdog.streamkap.recording import RecordedPoll

SOURCE = EntityKey(Kind.SOURCE, "a")
#: An hour begins here.
START = 1_767_600_000.0


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store.in_memory()
    yield opened
    opened.close()


class Polls:
    """Polls of one source, or more, every `every` seconds."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._presence = Presence.of([], START)

    def run(self, start: float, until: float, every: float = 30.0, sources: int = 1) -> None:
        at = start
        while at < until:
            keys = [EntityKey(Kind.SOURCE, f"{number}") for number in range(sources)]
            found = SparseReadings()
            for key in keys:
                found.put(key, "lag", at - START, at)
            listing = Listing([Entity(key, {"name": key.id}) for key in keys], frozenset({Kind.SOURCE}))
            self._presence, _ = self._presence.after(listing, at)
            poll = RecordedPoll(at, listing, Failures(), found)
            self._recorder.record(poll, poll.snapshot(self._presence.fleet))
            at += every


def _instants(store: Store) -> list[list[float]]:
    return [[poll.at - START for poll in polls_of([data])] for data in recording.blocks(store)]


def test_a_minute_at_most_is_not_written(store: Store) -> None:
    """What a kill would lose: the polls since the last write."""
    Polls(Recorder(store, 1e6)).run(START, START + 240.0)
    assert _instants(store) == [[0.0, 30.0, 60.0], [90.0, 120.0, 150.0]]


def test_ten_minutes_become_one_block(store: Store) -> None:
    recorder = Recorder(store, 1e6)
    Polls(recorder).run(START, START + 690.0)
    assert _instants(store)[0] == [30.0 * number for number in range(20)]
    recorder.end_block()
    assert [len(one) for one in _instants(store)] == [20, 3]


@pytest.mark.parametrize(
    ("why", "runs", "blocks"),
    [
        ("an hour ends", [(3300.0, 3720.0, 1)], [[3300.0, 3570.0], [3600.0, 3690.0]]),
        ("the fleet changes", [(0.0, 120.0, 1), (120.0, 240.0, 2)], [[0.0, 90.0], [120.0, 210.0]]),
        ("the clock is set back", [(600.0, 720.0, 1), (0.0, 120.0, 1)], [[0.0, 90.0], [600.0, 690.0]]),
    ],
)
def test_a_block_ends_where(
    store: Store, why: str, runs: list[tuple[float, float, int]], blocks: list[list[float]]
) -> None:
    recorder = Recorder(store, 1e6)
    polls = Polls(recorder)
    for start, until, sources in runs:
        polls.run(START + start, START + until, sources=sources)
    recorder.end_block()
    assert [[one[0], one[-1]] for one in _instants(store)] == blocks, why


def test_it_says_how_far_it_reaches_back_also_after_a_restart(store: Store) -> None:
    recorder = Recorder(store, 1e6)
    assert recorder.seconds(START) == 0.0
    Polls(recorder).run(START, START + 300.0)
    assert recorder.seconds(START + 300.0) == 300.0
    recorder.end_block()
    assert Recorder(store, 1e6).seconds(START + 900.0) == 900.0


def test_a_database_that_refuses_costs_those_polls_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "watchdog.db"
    store = Store.open(f"sqlite:///{file}")
    recorder = Recorder(store, 1e6)
    file.rename(tmp_path / "elsewhere.db")
    Polls(recorder).run(START, START + 3600.0)
    recorder.end_block()
    store.close()
    assert [one.message for one in caplog.records] == ["polls not recorded"]
