"""A block gives back what was judged: every number to the bit, texts, instants, listings and failures."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from watchdog.errors import ApiError
from watchdog.readings.blocks import KINDS, encode, keep, pack_fleet, pack_matrix, unpack_matrix
from watchdog.readings.fleet import Entity, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.presence import Presence
from watchdog.readings.recorded_polls import MAGIC, as_file, blocks_of_file, is_whole, polls_of
from watchdog.readings.snapshot import SparseReadings
from watchdog.streamkap.recording import RecordedPoll

_VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(2**53), 2**53).map(float),
    st.sampled_from([0.0, 1.0, np.nan, 2.0**52, -(2.0**52), 1e300, 0.1]),
)
FINE = Failures()
SOURCE, TASK = EntityKey(Kind.SOURCE, "a"), EntityKey(Kind.TASK, "a/0")


@given(
    st.tuples(st.integers(1, 5), st.integers(1, 6)).flatmap(lambda shape: arrays(np.float64, shape, elements=_VALUES))
)
def test_a_matrix_comes_back_to_the_bit(matrix: np.ndarray) -> None:
    rows, polls = matrix.shape
    np.testing.assert_array_equal(unpack_matrix(pack_matrix(matrix), rows, polls), matrix)


def test_steady_and_rising_columns_are_small() -> None:
    """Rows of 20 polls: what does not change costs its first value, a counter one byte a step."""
    steady, rising = np.full((100, 20), 12345.678), np.cumsum(np.full((100, 20), 50.0), axis=1)
    assert len(pack_matrix(steady)) <= 100 * 8 + 3
    assert len(pack_matrix(rising)) <= 100 * (8 + 19) + 3


def _entity(key: EntityKey, name: str, of: EntityKey | None = None) -> Entity:
    return Entity(key, {"kind": str(key.kind), "name": name, "tags": ("prod", "eu")}, connector=of)


ENTITIES = [_entity(SOURCE, "payments"), _entity(TASK, "payments/0", SOURCE)]


def _poll(at: float, readings: dict[EntityKey, dict[str, float | str | None]], *, listed: Sequence[Entity] | None = None,
          failures: Failures = FINE, dark: Sequence[EntityKey] = (), before: float = 0.0) -> RecordedPoll:  # fmt: skip
    found = SparseReadings()
    for key, metrics in readings.items():
        for metric, value in metrics.items():
            found.put(key, metric, value, at - before)
    listing = None if listed is None else Listing(listed, frozenset({Kind.SOURCE, Kind.TASK}))
    return RecordedPoll(at, listing, failures, found, frozenset(map(str, dark)))


POLLS = [
    _poll(60.0, {SOURCE: {"lag": 10.0, "status": "Active"}, TASK: {"task_status": "RUNNING"}}, listed=ENTITIES),
    _poll(90.0, {SOURCE: {"lag": 10.5}, TASK: {"task_status": "FAILED"}}, before=4.25),
    _poll(120.0, {TASK: {"task_status": "RUNNING"}}, dark=[SOURCE], failures=Failures((ApiError("GET /x: 503"),))),
    _poll(150.0, {SOURCE: {"lag": 0.0, "status": "Paused"}}, listed=ENTITIES),
]


def _block(polls: Sequence[RecordedPoll]) -> bytes:
    presence, kept = Presence.of([], 0.0), []
    for poll in polls:
        presence, _ = presence.after(poll.listing, poll.at)
        kept.append(keep(poll, poll.snapshot(presence.fleet)))
    return encode(presence.fleet, pack_fleet(presence.fleet), kept)


def test_polls_come_back_as_they_were_judged() -> None:
    presence, compared = Presence.of([], 0.0), 0
    for read, was in zip(polls_of([_block(POLLS)]), POLLS, strict=True):
        assert (read.at, read.failures.refused) == (was.at, was.failures.refused)
        assert list(map(str, read.failures.errors)) == list(map(str, was.failures.errors))
        if was.listing is not None:
            assert read.listing == was.listing
        presence, _ = presence.after(read.listing, read.at)
        fleet = presence.fleet
        then, now = was.snapshot(fleet), read.snapshot(fleet)
        for entity in ENTITIES:
            assert now.readings(entity.key) == then.readings(entity.key)
            compared += len(then.readings(entity.key))
        for kind in KINDS:
            assert now.names(kind) == then.names(kind)
            np.testing.assert_array_equal(now.unobserved(kind), then.unobserved(kind))
            np.testing.assert_array_equal(read.answered(fleet)[kind], was.answered(fleet)[kind])
            for metric in then.names(kind):
                column, expected = now.column(kind, metric), then.column(kind, metric)
                np.testing.assert_array_equal(column.numbers, expected.numbers)
                if expected.texts is not None:
                    assert column.texts is not None
                    assert list(column.texts) == list(expected.texts)
    assert compared == 8


def test_who_begins_in_the_middle_meets_the_whole_fleet() -> None:
    """The block's first poll lists nothing; whoever plays from there needs its entities all the same."""
    block = _block(POLLS)
    first = next(iter(polls_of([block], since=90.0)))
    assert first.at == 90.0
    assert first.listing is not None
    assert {one.key for one in first.listing.entities} == {SOURCE, TASK}
    assert first.listing.complete == frozenset(), "nothing is proven gone by it"


def test_rows_are_those_of_the_fleet_that_asks() -> None:
    other = EntityKey(Kind.SOURCE, "0-first")
    fleet = Presence.of([_entity(other, "new"), *ENTITIES], 60.0).fleet
    poll = next(iter(polls_of([_block(POLLS)])))
    column = poll.snapshot(fleet).column(Kind.SOURCE, "lag")
    row = fleet.table(Kind.SOURCE).row
    assert np.isnan(column.numbers[row[other]])
    assert column.numbers[row[SOURCE]] == 10.0


def test_a_file_that_was_cut_off_keeps_its_whole_blocks() -> None:
    data = b"".join(as_file([_block(POLLS[:2]), _block(POLLS)]))
    size = len(_block(POLLS))
    for cut, whole in ((0, 2), (1, 2), (5, 1), (size + 8, 1), (size + 11, 0)):
        file = io.BytesIO(data[: len(data) - cut])
        assert is_whole(file) == (not cut)
        file.seek(len(MAGIC))
        assert len(list(blocks_of_file(file))) == whole


@pytest.mark.parametrize("data", [b"", b"x" * 20, _block(POLLS)[:-9]])
def test_what_is_no_block_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="is no block of a recording"):
        list(polls_of([data]))
