"""Replay: recorded polls, and what the API remembers, through rules; recordings come back as they went."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from watchdog.configuration.files import load_texts
from watchdog.delivery.png import png_of
from watchdog.errors import ConfigError
from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import SparseReadings
from watchdog.streamkap.recording import RecordedPoll, Recorder, read_recording
from watchdog.streamkap.timeseries import Past
from watchdog.streamkap.value import ApiValue
from watchdog.trials.replay import interval_of, readings_behind, replay
from watchdog.trials.replay_chart import plot
from watchdog.trials.timeseries import polls_of

RULES = """
rules:
  - {alert: Lag, each: source, expr: recordsLag > 10, flapping: off}
  - {alert: Slow, each: source, expr: recordsLag > 10, for: 2m, flapping: off}
  - {alert: Kept, each: source, expr: recordsLag > 10, keep_firing_for: 5m, flapping: off}
  - {alert: Never, each: destination, expr: recordsLag > 10}
  - {alert: Blind, each: source, expr: byteTotal > 10}
  - {alert: Short, each: source, expr: 'increase(recordsLag, 12h) > 10'}
  - {alert: Off, each: source, expr: recordsLag > 10, enabled: false}
receivers: {oncall: {to: ["${X}"]}}
routes: [{to: [oncall]}]
"""
KEY = EntityKey(Kind.SOURCE, "a1")
SOURCE = Entity(KEY, {"kind": "source", "name": "prod-orders", "tags": ("x",), "pipelines": ()})
ALL = frozenset(REAL_KINDS)


def policy(text: str = RULES):
    return load_texts({"r.yaml": text}, {}, expand=False)


def only(*names: str, text: str = RULES):
    """The policy with these rules alone."""
    whole = policy(text)
    return replace(whole, rules=tuple(rule for rule in whole.rules if rule.name in names))


def polls(*lags: float | None) -> list[RecordedPoll]:
    found = []
    for index, lag in enumerate(lags):
        readings = SparseReadings()
        if lag is not None:
            readings.put(KEY, "recordsLag", lag, 60.0 * index)
        listing = Listing([SOURCE], ALL) if index == 0 else None
        found.append(RecordedPoll(60.0 * index, listing, Failures(), readings))
    return found


def rules_of(report):
    return {rule.name: rule for rule in report.rules}


def test_episodes_and_messages() -> None:
    report = replay(polls(0, 20, 0, 0, 20, 0, 0, *[20] * 10, 0), only("Lag"), 60.0)
    (lag,) = report.rules
    assert [(one.began, one.ended) for one in lag.stretches] == [(60, 120), (240, 300), (420, 1020)]
    # the second begins before the end of the first is told, and takes over: nobody hears either
    assert dict(report.messages["oncall"]) == {"firing": 2, "resolved": 2}


def test_what_could_not_be_judged_is_told_with_the_reason() -> None:
    rules = rules_of(replay(polls(0, 20, 0), policy(), 60.0))
    assert {name: rule.why for name, rule in rules.items() if not rule.evaluation} == {
        "Never": "no entity matched",
        "Blind": "there was no reading of byteTotal",
        "Short": "its window of 12h is longer than the 2m played",
        "Off": "it is not enabled",
    }
    assert {rule.why for rule in rules.values() if rule.evaluation} == {""}


@pytest.mark.parametrize(
    ("why", "rule", "lags", "advice"),
    [
        ("one poll is not a minute", "Lag", [20, 0, 20, 0, *[20] * 10, 0],
         "2 of 3 episodes were shorter than 1m; `for: 1m` would have left 1"),
        ("two polls are a minute, and three are two", "Lag", [20, 20, 0, 20, 20, 20, 0, 20, 20, 0, *[20] * 10, 0],
         "2 of 4 episodes were shorter than 2m; `for: 2m` would have left 2"),
        ("an unknown poll ends no clock", "Lag", [20, None, 20, 0, 20, 0, 20, 0],
         "2 of 3 episodes were shorter than 1m; `for: 1m` would have left 1"),
        ("how long it was held firing does not count", "Kept", [20, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0],
         "2 of 2 episodes were shorter than 1m; `for: 1m` would have left 0"),
        ("a `for` it has already is no advice", "Slow", [20, 20, 20, 0, 20, 20, 20, 0, *[20] * 20, 0],
         "2 of 3 episodes were shorter than 5m; `for: 5m` would have left 1"),
        ("what still fires may go on", "Lag", [20, 0, 20, 0, 20],
         "2 of 2 episodes that are over were shorter than 1m; `for: 1m` would have left 0"),
        ("one episode is no reason", "Lag", [0, 20, 0], ""),
        ("nor are long ones", "Lag", [*[20] * 70, 0, *[20] * 70, 0], ""),
    ],
)  # fmt: skip
def test_advice_is_what_a_longer_for_really_leaves(why: str, rule: str, lags: list[float | None], advice: str) -> None:
    assert rules_of(replay(polls(*lags), policy(), 60.0))[rule].advice == advice, why
    if advice:
        longer, left = advice.split("`for: ")[1].split("`")[0], int(advice.rsplit(" ", 1)[1])
        edited = only("Lag", text=RULES.replace("recordsLag > 10, flapping", f"recordsLag > 10, for: {longer}, flapping", 1))
        assert len(replay(polls(*lags), edited, 60.0).rules[0].stretches) == left, why


def test_polls_tell_themselves_how_far_apart_they_are() -> None:
    assert interval_of(polls(0, 0, 0), 30.0) == 60.0
    assert interval_of(polls(0), 30.0) == 30.0
    late = polls(0, 0, 0, 0)
    assert interval_of([*late[:2], *late[3:], RecordedPoll(240.0, None, Failures(), SparseReadings())], 30.0) == 60.0


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


@pytest.mark.parametrize("name", ["polls.jsonl", "polls.jsonl.gz"])
def test_a_recording_that_was_cut_off_is_read_up_to_the_cut(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    recorder = Recorder(file)
    for poll in polls(0, 20, 30):
        recorder.record(poll)
        written = file.read_bytes()
    recorder.close()
    file.write_bytes(written[:-20])
    assert len(list(read_recording(file))) == 2


def test_a_recording_that_finds_no_room_says_so() -> None:
    recorder = Recorder(Path("/dev/full"))
    with pytest.raises(OSError, match="No space left on device"):
        recorder.record(polls(0)[0])
    recorder.close()


@pytest.mark.parametrize("name", ["polls.jsonl", "polls.jsonl.gz"])
def test_a_recording_goes_on_where_a_killed_service_left_it(name: str, tmp_path: Path) -> None:
    file, left = tmp_path / name, tmp_path / f"left-{name}"
    killed = Recorder(file)
    for poll in polls(0, 20):
        killed.record(poll)
    left.write_bytes(file.read_bytes())
    killed.close()
    after = Recorder(left)
    after.record(polls(30)[0])
    after.close()
    assert len(list(read_recording(left))) == 3


def test_what_is_no_recording_at_all_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.jsonl: cannot be read as a recording: No such file or directory"):
        list(read_recording(tmp_path / "none.jsonl"))
    (tmp_path / "text.jsonl.gz").write_text("hello")
    with pytest.raises(ConfigError, match=r"text\.jsonl\.gz: cannot be read as a recording: Not a gzipped file"):
        list(read_recording(tmp_path / "text.jsonl.gz"))


@pytest.mark.parametrize("line", ["hello", '{"at": 1.0}', '{"at": 1.0, "readings": {"orders": {}}}'])
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "polls.jsonl"
    file.write_text(f'{{"at": 1.0, "readings": {{}}}}\n{line}\n')
    with pytest.raises(ConfigError, match=r"polls.jsonl:2: is no line of a recording"):
        list(read_recording(file))


def test_what_the_api_remembers_is_played_as_polls() -> None:
    values = [ApiValue(0.0, 0.0), ApiValue(20.0, 60.0), ApiValue(20.0, 120.0), ApiValue(0.0, 180.0), ApiValue(0.0, 240.0)]
    past = Past([SOURCE], {KEY: {"recordsLag": values}}, Failures())
    report = replay(polls_of(past, 0.0, 240.0, 60.0), policy(), 60.0)
    lag = next(rule for rule in report.rules if rule.name == "Lag")
    assert [(one.began, one.ended) for one in lag.stretches] == [(60, 180)]


def test_the_picture_shows_every_rule_that_fired_with_what_decided_it() -> None:
    played = polls(0, 20, 30, 0, None, 5)
    report = replay(played, policy(), 60.0)
    readings = readings_behind(report, played)
    assert [(at, str(value)) for at, value in readings[KEY, "recordsLag"]] == [
        (0, "0.0"), (60, "20.0"), (120, "30.0"), (180, "0.0"), (240, "nan"), (300, "5.0")
    ]  # fmt: skip
    picture = plot(report, readings)
    assert "Lag" in picture and "Never" not in picture and "0 records to 30 records" in picture
    assert (png_of(picture) or b"").startswith(b"\x89PNG")


def test_the_picture_of_nothing_says_so() -> None:
    assert "nothing would have fired" in plot(replay(polls(0, 0), policy(), 60.0), {})
