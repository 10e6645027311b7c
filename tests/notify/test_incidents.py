"""PagerDuty: one incident an alert, one for a burst, and no page for what is over."""

from __future__ import annotations

from watchdog.configuration.files import load_texts
from watchdog.cycle.engine import Engine, Sending
from watchdog.cycle.state import Saved
from watchdog.errors import DeliveryError
from watchdog.notify.message import MessageKind
from watchdog.notify.rendering import Wording
from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import SparseReadings
from watchdog.streamkap.recording import RecordedPoll

POLICY = load_texts(
    {
        "r.yaml": """
rules: [{alert: Lag, each: source, expr: recordsLag > 10, flapping: off}]
receivers: {oncall: {to: ["pagerduty://integrationkey@apikey"]}}
routes: [{to: [oncall], group_wait: 0s, group_interval: 0s, repeat_interval: 1h}]
"""
    },
    {},
)
KEYS = [EntityKey(Kind.SOURCE, f"s{number:02}") for number in range(14)]
ENTITIES = [Entity(key, {"kind": "source", "name": key.id}) for key in KEYS]


class Story:
    """An engine whose one receiver is PagerDuty, poll by poll."""

    def __init__(self) -> None:
        self.engine = Engine(POLICY, Saved(), start=0.0, every=60.0, wording=Wording(), name="w")
        self.answer: DeliveryError | None = None

    def at(self, minute: int, *, firing: int, first: int = 0) -> list[Sending]:
        """The events after a poll in which the alerts `first` to `first + firing` are true."""
        now = 60.0 * minute
        readings = SparseReadings()
        for index, key in enumerate(KEYS):
            readings.put(key, "recordsLag", 20.0 if first <= index < first + firing else 0.0, now)
        poll = RecordedPoll(now, Listing(ENTITIES, frozenset(REAL_KINDS)), Failures(), readings)
        self.engine.judge(poll, {"polls_missed": 0.0, "cycle_seconds": 0.0, "rules_invalid": 0.0})
        return self.deliver(now)

    def deliver(self, now: float) -> list[Sending]:
        self.engine.tick(now)
        sent = []
        for target in self.engine.waiting_targets():
            while (sending := self.engine.claim(target, now)) is not None:
                sent.append(sending)
                if self.answer is None:
                    self.engine.accepted(sending, now)
                else:
                    self.engine.failed(sending, self.answer, now)
        return sent


def told(sent: list[Sending]) -> list[MessageKind]:
    return [one.message.kind for one in sent]


def test_each_alert_is_an_incident_of_its_own_and_its_end_has_the_same_key() -> None:
    story = Story()
    began, ended = story.at(0, firing=3), story.at(1, firing=0)
    assert told(began) == [MessageKind.FIRING] * 3
    assert told(ended) == [MessageKind.RESOLVED] * 3
    assert {one.message.dedup_key for one in began} == {one.message.dedup_key for one in ended}
    assert len({one.message.dedup_key for one in began}) == 3


def test_ten_at_once_are_ten_incidents_and_eleven_are_one() -> None:
    assert len(Story().at(0, firing=10)) == 10
    (burst,) = Story().at(0, firing=11)
    assert burst.message.dedup_key.startswith("wd-burst-")


def test_a_burst_is_resolved_when_its_last_alert_ends_and_later_ones_get_their_own() -> None:
    story = Story()
    (burst,) = story.at(0, firing=12)
    (own,) = story.at(1, firing=13)
    assert not own.message.dedup_key.startswith("wd-burst-")
    (end,) = story.at(2, firing=2)  # two of the burst still fire
    assert end.message.dedup_key == own.message.dedup_key
    (last,) = story.at(3, firing=0)
    assert last.message.dedup_key == burst.message.dedup_key


def test_an_end_before_the_burst_is_over_resolves_nothing_of_it() -> None:
    story = Story()
    (burst,) = story.at(0, firing=12)
    assert story.at(1, firing=1) == []
    (end,) = story.at(2, firing=0)
    assert (end.message.kind, end.message.dedup_key) == (MessageKind.RESOLVED, burst.message.dedup_key)


def test_a_reminder_is_a_trigger_with_the_same_key() -> None:
    story = Story()
    (began,) = story.at(0, firing=1)
    (again,) = story.deliver(3600.0)
    assert (again.message.kind, again.message.dedup_key) == (MessageKind.REMINDER, began.message.dedup_key)


def test_an_unknown_outcome_is_repeated_since_the_key_makes_it_harmless() -> None:
    story = Story()
    story.answer = DeliveryError("no answer", permanent=False, unknown=True)
    (first,) = story.at(0, firing=1)
    story.answer = None
    (second,) = story.deliver(1.0)
    assert second.message.dedup_key == first.message.dedup_key


def test_what_began_and_ended_unheard_is_a_resolve_and_never_a_page() -> None:
    story = Story()
    story.answer = DeliveryError("down", permanent=False)
    story.at(0, firing=1)
    story.at(1, firing=0)
    story.answer = None
    (missed,) = story.deliver(3600.0)
    assert missed.message.kind is MessageKind.MISSED
