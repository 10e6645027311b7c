"""Replay: recorded polls, and what the API remembers, through rules; recordings come back as they went."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchdog.configuration.files import load_texts
from watchdog.delivery.pictures import png_of
from watchdog.errors import ConfigError
from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import SparseReadings
from watchdog.streamkap.leaf import Leaf
from watchdog.streamkap.past import Past
from watchdog.streamkap.recording import RecordedPoll, Recorder, read_recording
from watchdog.trials.plot import plot
from watchdog.trials.replay import polls_of, replay

RULES = """
rules:
  - {alert: Lag, each: source, expr: recordsLag > 10, flapping: off}
  - {alert: Never, each: destination, expr: recordsLag > 10}
  - {alert: Blind, each: source, expr: byteTotal > 10}
receivers: {oncall: {to: ["${X}"]}}
routes: [{to: [oncall]}]
"""
KEY = EntityKey(Kind.SOURCE, "a1")
SOURCE = Entity(KEY, {"kind": "source", "name": "prod-orders", "tags": ("x",), "pipelines": ()})
ALL = frozenset(REAL_KINDS)


def policy():
    return load_texts({"r.yaml": RULES}, {}, expand=False)


def polls(*lags: float | None) -> list[RecordedPoll]:
    found = []
    for index, lag in enumerate(lags):
        readings = SparseReadings()
        if lag is not None:
            readings.put(KEY, "recordsLag", lag, 60.0 * index)
        listing = Listing([SOURCE], ALL) if index == 0 else None
        found.append(RecordedPoll(60.0 * index, listing, Failures(), readings))
    return found


def test_episodes_messages_and_advice_are_arithmetic() -> None:
    report = replay(polls(0, 20, 0, 0, 20, 0, 0, *[20] * 10, 0), policy(), 60.0)
    lag = next(rule for rule in report.rules if rule.name == "Lag")
    assert [(one.began, one.ended) for one in lag.stretches] == [(60, 120), (240, 300), (420, 1020)]
    assert lag.advice(report.end) == "2 of 3 episodes were shorter than 2m; `for: 2m` would have left 1"
    # the second begins before the end of the first is told, and takes over: nobody hears either
    assert dict(report.messages["oncall"]) == {"firing": 2, "resolved": 2}
    assert {rule.name: (rule.judged, rule.why) for rule in report.rules if not rule.judged} == {
        "Never": (False, "no entity matched"),
        "Blind": (False, "its readings were always missing, or its windows never full"),
    }


@pytest.mark.parametrize("name", ["polls.jsonl", "polls.jsonl.gz"])
def test_a_recording_comes_back_as_it_went(tmp_path: Path, name: str) -> None:
    recorder = Recorder(tmp_path / name)
    sent = polls(0, 20, None, 5)
    for poll in sent:
        recorder.record(poll)
    recorder.close()
    back = list(read_recording(tmp_path / name))
    assert [one.at for one in back] == [one.at for one in sent]
    assert back[0].listing == Listing([SOURCE], ALL)
    assert [one.readings.values for one in back] == [one.readings.values for one in sent]


def test_a_recording_that_was_cut_off_is_read_up_to_the_cut(tmp_path: Path) -> None:
    file = tmp_path / "polls.jsonl"
    recorder = Recorder(file)
    for poll in polls(0, 20, 30):
        recorder.record(poll)
    recorder.close()
    file.write_bytes(file.read_bytes()[:-20])
    assert len(list(read_recording(file))) == 2


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "polls.jsonl"
    file.write_text('{"at": 1.0, "readings": {}}\nhello\n')
    with pytest.raises(ConfigError, match=r"polls.jsonl:2: is no line of a recording"):
        list(read_recording(file))


def test_what_the_api_remembers_is_played_as_polls() -> None:
    values = [Leaf(0.0, 0.0), Leaf(20.0, 60.0), Leaf(20.0, 120.0), Leaf(0.0, 180.0), Leaf(0.0, 240.0)]
    past = Past([SOURCE], {KEY: {"recordsLag": values}}, Failures())
    report = replay(polls_of(past, 0.0, 240.0, 60.0), policy(), 60.0)
    lag = next(rule for rule in report.rules if rule.name == "Lag")
    assert [(one.began, one.ended) for one in lag.stretches] == [(60, 180)]


def test_the_picture_shows_every_rule_that_fired() -> None:
    picture = plot(replay(polls(0, 20, 30, 0), policy(), 60.0))
    assert "Lag" in picture and "Never" not in picture
    assert (png_of(picture) or b"").startswith(b"\x89PNG")
