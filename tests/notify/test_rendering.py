"""Wording: what messages say, told poll by poll through the engine, to one receiver that takes everything."""

from __future__ import annotations

import shlex

import pytest

from watchdog.alerts.episodes import Acknowledgement
from watchdog.alerts.silences import Silence, parse_matcher
from watchdog.configuration.files import load_texts
from watchdog.cycle.engine import Engine
from watchdog.cycle.state import Saved
from watchdog.delivery.plain_text import plain_text
from watchdog.notify.message import Message, MessageKind
from watchdog.notify.rendering import Links, Wording
from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import SparseReadings
from watchdog.streamkap.recording import RecordedPoll

LAG, ROWS = "StreamingMilliSecondsBehindSource", "recordsLag"
RULES = """
rules:
  - alert: Behind
    each: source
    expr: StreamingMilliSecondsBehindSource > 5m
    keep_firing_for: 2m
    flapping: off
    annotations: {summary: "{{ name }} is {{ value | duration }} behind", description: "Restart it."}
  - {alert: Rows, each: source, expr: recordsLag == 0, severity: critical, flapping: off}
receivers: {team: {to: ["json://127.0.0.1/x"]}, lead: {to: ["json://127.0.0.1/y"]},
            other: {to: ["json://127.0.0.1/z"]}}
routes:
  - {to: [team], group_by: [], group_wait: 0s, group_interval: 0s, repeat_interval: 1h, escalate: [{after: 15m, to: [lead]}]}
"""
NAMES = ("a", "b", "it's c d")
ENTITIES = [Entity(EntityKey(Kind.SOURCE, name), {"kind": "source", "name": name}) for name in NAMES]
QUIET = {(name, LAG): 1000.0 for name in NAMES} | {(name, ROWS): 7.0 for name in NAMES}


class Story:
    """`at(minute, {…})`: the messages after a poll with these readings; the rest is quiet."""

    def __init__(self, wording: Wording | None = None, rules: str = RULES) -> None:
        policy = load_texts({"r.yaml": rules}, {})
        self.engine = Engine(policy, Saved(), start=0.0, every=60.0, wording=wording or Wording(), name="w")

    def at(self, minute: int, changed: dict[tuple[str, str], float] | None = None) -> list[Message]:
        now = 60.0 * minute
        readings = SparseReadings()
        for (name, metric), value in {**QUIET, **(changed or {})}.items():
            readings.put(EntityKey(Kind.SOURCE, name), metric, value, now)
        poll = RecordedPoll(now, Listing(ENTITIES, frozenset(REAL_KINDS)), Failures(), readings)
        self.engine.judge(poll, {"polls_missed": 0.0, "cycle_seconds": 0.0, "rules_invalid": 0.0})
        self.engine.tick(now)
        sent = []
        for target in self.engine.waiting_targets():
            while (sending := self.engine.claim(target, now)) is not None:
                self.engine.accepted(sending, now)
                sent.append(sending.message)
        return sent


def behind(name: str, minutes: float) -> dict[tuple[str, str], float]:
    return {(name, LAG): minutes * 60_000}


def test_a_beginning_says_the_value_against_its_limit_and_how_to_be_left_in_peace() -> None:
    (message,) = Story().at(0, behind("a", 7))
    (line,) = message.changed
    assert (line.summary, line.value, line.limit) == ("a is 7m behind", "7m", "5m")
    assert message.ack_hint == "watchdog ack Behind a"
    assert message.silence_hint == "watchdog silence add alertname=Behind id=a --for 2h --comment investigating"


def test_the_title_names_what_fires_and_not_what_is_over() -> None:
    story = Story()
    story.at(0, {("a", ROWS): 0})
    (message,) = story.at(1, behind("b", 7))
    assert message.title == "[FIRING:1] Behind: b is 7m behind (warning)"
    assert message.headline == "+1 new, 1 resolved"
    assert [(line.entity, line.phase) for line in message.changed] == [("source/a", "resolved"), ("source/b", "firing")]
    assert message.ack_hint == "watchdog ack Behind b"


def test_an_equality_has_no_limit_and_no_words_of_its_own_means_the_reason() -> None:
    (message,) = Story().at(0, {("a", ROWS): 0})
    (line,) = message.changed
    assert (line.value, line.limit, line.summary) == ("0 records", "", "recordsLag is 0 (== 0)")


def test_an_end_says_why_it_ended_and_what_it_began_with() -> None:
    story = Story()
    story.at(0, behind("a", 7))
    story.at(1, behind("a", 9))
    assert story.at(2) == story.at(3) == []
    (end,) = story.at(4)
    (line,) = end.changed
    assert (end.kind, line.reason, line.summary) == (
        MessageKind.RESOLVED,
        "StreamingMilliSecondsBehindSource is now 1s (no longer > 5m)",
        "a is 7m behind",
    )
    assert (end.ack_hint, end.silence_hint) == ("", "")


def test_the_title_of_an_end_does_not_contradict_it_where_a_rule_has_no_summary() -> None:
    story = Story()
    (began,) = story.at(0, {("a", ROWS): 0})
    (over,) = story.at(1)
    assert began.title == "[FIRING:1] Rows: recordsLag is 0 (== 0) on source/a (critical)"
    assert over.title == "[RESOLVED] Rows: recordsLag is now 7 on source/a (critical)"


def test_what_is_only_held_firing_says_so() -> None:
    story = Story()
    story.at(0, {**behind("a", 7)})
    (message,) = story.at(1, behind("b", 7))
    assert [(line.entity, line.held) for line in (*message.changed, *message.standing)] == [
        ("source/b", False),
        ("source/a", True),
    ]


def test_an_escalation_says_for_how_long_nobody_has_acknowledged() -> None:
    story = Story()
    story.at(0, behind("a", 7))
    (message,) = story.at(15, behind("a", 20))
    assert (message.kind, message.receiver) == (MessageKind.ESCALATION, "lead")
    assert message.headline == "1 not acknowledged for 15m"
    assert message.changed[0].summary == "a is 20m behind"


def test_the_story_tells_of_an_escalation_once_however_many_receivers_were_told_before() -> None:
    story = Story(rules=RULES.replace("to: [team], group_by", "to: [team, other], group_by"))
    story.at(0, behind("a", 7))
    story.engine.take_changes()
    story.at(15, behind("a", 20))
    notes = [(note.what, note.text) for note in story.engine.take_changes().notes]
    assert notes.count(("escalated", "not acknowledged for 15m")) == 1


def test_every_message_about_an_episode_names_its_thread() -> None:
    story = Story()
    (together,) = story.at(0, {**behind("a", 7), **behind("b", 7)})
    for minute in (1, 2):
        story.at(minute, behind("b", 7))
    (end,) = story.at(3, behind("b", 7))
    assert len(together.threads) == 2
    assert end.threads == together.threads[:1]


@pytest.mark.parametrize(
    ("why", "firing", "hint"),
    [
        ("one rule on several", {**behind("a", 7), **behind("b", 7)}, "alertname=Behind"),
        ("several rules", {**behind("a", 7), ("b", ROWS): 0}, "'alertname=~\"Behind|Rows\"'"),
        ("a name that a shell would take apart", behind("it's c d", 7), "alertname=Behind 'id=\"it'\"'\"'s c d\"'"),
    ],
)
def test_a_hint_silences_all_that_is_told_and_survives_a_shell(why, firing, hint) -> None:
    (message,) = Story().at(0, firing)
    assert message.silence_hint == f"watchdog silence add {hint} --for 2h --comment investigating"
    matchers = [parse_matcher(word) for word in shlex.split(message.silence_hint)[3:-4]]
    assert all(matcher.matches(line.labels) for line in message.changed for matcher in matchers)


def test_an_acknowledged_alert_asks_for_no_acknowledgement() -> None:
    story = Story()
    story.at(0, behind("a", 7))
    (episode,) = story.engine.records.open_episodes()
    story.engine.acknowledge(episode.id, Acknowledgement(1.0, "ann"))
    (message,) = story.at(1, {**behind("a", 7), ("a", ROWS): 0})
    assert message.ack_hint == "watchdog ack Rows a"


@pytest.mark.parametrize("public", ["", "https://watchdog.example.org/"])
def test_links_to_the_watchdog_need_a_public_url(public: str) -> None:
    (message,) = Story(Wording(Links(public, "https://app.example.org/{kind}s/{id}"))).at(0, behind("a", 7))
    (line,) = message.changed
    assert line.entity_url == "https://app.example.org/sources/a"
    assert line.alert_url.startswith("https://watchdog.example.org/alerts/") if public else line.alert_url == ""
    assert message.links == ({"Status page": public} if public else {})


def test_what_is_held_back_is_counted_and_not_listed() -> None:
    story = Story()
    story.at(0, behind("a", 7))
    matchers = (parse_matcher("name=a"),)
    story.engine.set_silences([Silence("s", matchers, 30.0, 9_999.0, "ann", "deploy", changed=30.0)])
    (message,) = story.at(1, {**behind("a", 7), **behind("b", 7)})
    assert message.headline == "+1 new, 1 still firing (1 silenced or suppressed)"
    assert (message.standing, message.more, message.silenced) == ((), 1, 1)
    assert "and 1 more, silenced or suppressed" in plain_text(message)


def test_the_end_of_a_silence_says_why_it_tells_what_is_known() -> None:
    story = Story()
    story.at(0, behind("a", 7))
    story.engine.set_silences([Silence("s", (parse_matcher("name=a"),), 30.0, 120.0, "ann", "deploy", changed=30.0)])
    assert story.at(1, behind("a", 8)) == []
    (message,) = story.at(2, behind("a", 9))
    assert message.kind is MessageKind.REMINDER
    assert plain_text(message).startswith("1 still firing\nSent because silence by ann (deploy) has ended")
