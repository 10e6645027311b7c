"""The recording is bounded by its size: whole hours go, the oldest first."""

from __future__ import annotations

from watchdog.store import recording
from watchdog.store.store import Store

HOUR = 3600.0


def _reach(store: Store) -> tuple[float, float, int]:
    found = recording.reach(store)
    assert found is not None
    return found.start, found.end, found.polls


def test_blocks_come_back_in_the_order_of_their_polls(store: Store) -> None:
    assert recording.reach(store) is None
    for start in (1200.0, 0.0, 600.0):
        recording.append(store, start, start + 570.0, 20, f"from {start:g}".encode(), limit=1e6)
    assert list(recording.blocks(store)) == [b"from 0", b"from 600", b"from 1200"]
    assert list(recording.blocks(store, since=1170.0)) == [b"from 600", b"from 1200"]
    assert _reach(store) == (0.0, 1770.0, 60)


def test_a_whole_block_takes_the_place_of_its_parts(store: Store) -> None:
    parts = [recording.append(store, at, at + 50.0, 2, b"part", limit=1e6) for at in (0.0, 60.0)]
    recording.append(store, 0.0, 110.0, 4, b"whole", limit=1e6, replaces=parts)
    assert list(recording.blocks(store)) == [b"whole"]
    assert _reach(store) == (0.0, 110.0, 4)


def test_the_oldest_hour_goes_first(store: Store) -> None:
    data = b"x" * 10_000
    for start in range(0, 3 * 3600, 600):
        recording.append(store, float(start), start + 570.0, 20, data, limit=150_000.0)
    assert _reach(store)[0] == 2 * HOUR - HOUR, "12 of 18 blocks fit: the first hour went as a whole"
    found = recording.reach(store)
    assert found is not None
    assert found.size <= 150_000


def test_within_one_hour_the_oldest_blocks_go_and_the_newest_stays(store: Store) -> None:
    for start in (0.0, 600.0, 1200.0):
        recording.append(store, start, start + 570.0, 20, b"x" * 10_000, limit=25_000.0)
    assert _reach(store) == (600.0, 1770.0, 40)
    recording.append(store, 1800.0, 2370.0, 20, b"x" * 50_000, limit=25_000.0)
    assert _reach(store) == (1800.0, 2370.0, 20), "one that is larger than the limit is kept alone"
