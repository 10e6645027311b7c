"""What is remembered between polls: pieces for the store, and texts among numbers."""

from __future__ import annotations

import numpy as np
import pytest

from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.readings.history import History, Wanted
from watchdog.readings.packing import Form, Saved, pack, unpack
from watchdog.readings.snapshot import Column, SparseReadings
from watchdog.readings.vocabulary import Vocabulary

SOURCE = EntityKey(Kind.SOURCE, "a")
FLEET = Fleet.of([Entity(SOURCE, {"name": "a"})], 0.0, 1)


def history(**wanted: Wanted) -> History:
    made = History()
    made.want({(Kind.SOURCE, metric): want for metric, want in wanted.items()})
    return made


def poll(made: History, at: float, **readings: float | str) -> None:
    sparse = SparseReadings()
    for metric, value in readings.items():
        sparse.put(SOURCE, metric, value, at)
    made.record(sparse.snapshot(at, FLEET))


def test_texts_come_back_in_any_vocabulary() -> None:
    first, second = Vocabulary(), Vocabulary()
    values = first.encoded(
        Column(np.array([1.0, np.nan, np.nan, np.nan]), np.array([None, "Up", "down", None], dtype=object))
    )
    second.encoded(Column(np.array([np.nan]), np.array(["other"], dtype=object)))
    (again, times), texts = unpack(pack((values, np.arange(4.0)), first), second, 4)
    assert texts
    assert second.texts(again).tolist() == [None, "Up", "down", None]
    assert again[0] == 1.0 and np.isnan(again[3])
    assert times.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "blob", [b"", b"x" * 40, pack((np.zeros(3),), Vocabulary())[:-1], pack((np.zeros(2),), Vocabulary())]
)
def test_what_cannot_be_a_piece_is_refused(blob: bytes) -> None:
    with pytest.raises(ValueError):
        unpack(blob, Vocabulary(), 3)


def test_a_poll_without_anything_new_is_not_saved() -> None:
    made = history(m=Wanted(60.0))
    poll(made, 30.0, m=1.0)
    assert [piece.metric for piece in made.saved()] == ["m"]
    poll(made, 60.0)
    assert made.saved() == []


def test_what_is_only_asked_how_long_it_is_unchanged_is_kept_too() -> None:
    made = history(m=Wanted(60.0), status=Wanted(unchanged=True))
    assert set(made.keep_from(90.0)) == {(Form.POLL, Kind.SOURCE, "m"), (Form.STATE, Kind.SOURCE, "status")}


def test_damaged_pieces_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    made = history(m=Wanted(60.0))
    poll(made, 30.0, m=1.0)
    rosters, (good,) = made.rosters(), made.saved()
    again = history(m=Wanted(60.0))
    again.restore(rosters, [Saved(good.kind, "m", 0.0, good.roster, b"?"), good, Saved(good.kind, "n", 1.0, "?", b"")])
    assert len(again.series(Kind.SOURCE, "m").rows) == 1
    assert len(caplog.records) == 1


def test_texts_that_never_come_back_do_not_pile_up() -> None:
    made = history(m=Wanted(60.0, unchanged=True))
    for number in range(5000):
        poll(made, 30.0 * number, m=f"error {number}")
    series = made.series(Kind.SOURCE, "m")
    assert len(series.vocabulary.shown) < 4200
    assert series.vocabulary.texts(series.rows[-1].values).tolist() == ["error 4999"]
    assert made.unchanged_for(Kind.SOURCE, "m", 30.0 * 4999).tolist() == [0.0]
