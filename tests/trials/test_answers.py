"""What people did while polls were recorded: played with them, and carried by a recording."""

from __future__ import annotations

import pytest

from watchdog.alerts.answers import Answer, Answers
from watchdog.alerts.lifecycle import AlertKey
from watchdog.alerts.silences import Matcher, Silence
from watchdog.configuration.files import load_texts
from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import SparseReadings
from watchdog.streamkap.recording import RecordedPoll
from watchdog.trials.replay import replay

START = 1_767_600_000.0
KEY = EntityKey(Kind.SOURCE, "orders")
LAG = AlertKey("Lag", Kind.SOURCE, "orders")
RULES = """
rules: [{alert: Lag, each: source, expr: recordsLag > 20, for: 2m, flapping: off}]
receivers: {team: {to: ["${TEAM}"]}}
routes: [{to: [team], group_wait: 0s, repeat_interval: 10m}]
"""


def _minute(minute: float) -> float:
    return START + 60.0 * minute


def _polls() -> list[RecordedPoll]:
    """The lag is high from the tenth to the fiftieth of sixty minutes: it fires from the twelfth on."""
    found = []
    for minute in range(60):
        readings = SparseReadings()
        readings.put(KEY, "recordsLag", 50.0 if 10 <= minute < 50 else 0.0, _minute(minute))
        listing = Listing([Entity(KEY, {"kind": "source", "name": "orders"})], frozenset(REAL_KINDS))
        found.append(RecordedPoll(_minute(minute), None if minute else listing, Failures(), readings))
    return found


def _silence(first: float, last: float, episode: str = "") -> Silence:
    matchers = (Matcher("alertname", "Lag"),)
    return Silence("8f1c", matchers, _minute(first), _minute(last), "eva", "known", _minute(first), episode)


ACK = Answer(LAG, _minute(15), until=_minute(50))
CASES = [
    ("nobody does anything", Answers(), [12, 22, 32, 42]),
    ("acknowledged", Answers(acknowledged=(ACK,)), [12]),
    ("acknowledged, and taken back", Answers(acknowledged=(Answer(LAG, _minute(15), "", _minute(50), _minute(40)),)),
     [12, 42]),
    ("acknowledged before it fires here", Answers(acknowledged=(Answer(LAG, _minute(5), "", _minute(50)),)), [12]),
    ("an earlier episode was acknowledged", Answers(acknowledged=(Answer(LAG, _minute(5), "", _minute(9)),)),
     [12, 22, 32, 42]),
    ("silenced", Answers((_silence(0, 60),)), []),
    ("silenced with an episode that began at another time", Answers((_silence(13, 50, "that"),), (), (("that", LAG),)),
     [12]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "answers", "pages"), CASES, ids=[one[0] for one in CASES])
def test_people_do_what_they_did(why: str, answers: Answers, pages: list[int]) -> None:
    report = replay(_polls(), load_texts({"rules.yaml": RULES}, {}, expand=False), 60.0, answers)
    assert [round((page.at - START) / 60.0) for page in report.pages] == pages


def test_a_recording_carries_it_without_names_and_comments() -> None:
    made = Answers.of([_silence(13, 50, "that")], [ACK], [("that", LAG)])
    assert Answers.decode(made.encode()) == made
    assert b"eva" not in made.encode() and b"known" not in made.encode()
    with pytest.raises(ValueError, match="does not say what people did"):
        Answers.decode(b"{}")
