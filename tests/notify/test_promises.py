"""The promises, whatever happens in whatever order: alerts begin and end, receivers fail and recover or answer nothing,
silences come and go, mutes pass, the process dies, is down and starts again, rules, routes and receivers are edited."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from watchdog.alerts.episodes import Acknowledgement
from watchdog.alerts.silences import Matcher, Silence
from watchdog.configuration.files import load_texts
from watchdog.cycle.engine import Engine, Sending
from watchdog.cycle.policy import Policy
from watchdog.errors import DeliveryError
from watchdog.notify.pending import Part
from watchdog.notify.rendering import Wording
from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import SparseReadings
from watchdog.store.store import Store
from watchdog.streamkap.recording import RecordedPoll

RULES = """
rules:
  - {{alert: Lag, each: source, expr: recordsLag > 10, flapping: {flapping}}}
  - {{alert: Broken, each: source, expr: byteTotal > 10, flapping: off, suppresses: [Lag]}}
"""
CONTACTS = (
    'receivers: {a: {to: ["${A}", "${AA}"], fallback: b}, b: {to: ["${B}"]}, c: {to: ["${C}"]}}\n'
    "routes: [{to: [a], escalate: [{after: 10m, to: [c]}]}]\n",
    'receivers: {a: {to: ["${A}", "${AA}"]}, b: {to: ["${B}"]}}\nroutes: [{to: [a, b], group_by: []}]\n',
    'receivers: {b: {to: ["${B}"]}}\nroutes: [{to: [b], group_wait: 0s, group_interval: 1m}]\n',
    'receivers: {a: {to: ["${A}"], fallback: p}, p: {to: ["${P}"]}}\nroutes: [{to: [p, a], group_by: [name], '
    "repeat_interval: 10m, escalate: [{after: 5m, to: [a]}]}]\n"
    'mutes: [{name: afternoons, where: {name: "x*"}, times: ["14:00-14:10", "14:10-14:20", "16:00-18:00"]}]\n',
)
#: One source's rule is gone, the other's is disabled.
WITHOUT = """
rules:
  - {alert: Lag, each: source, expr: recordsLag > 10, flapping: off, enabled: false}
"""


def _policy(rules: str, routing: str) -> Policy:
    """With the receiver p at PagerDuty, which keeps incidents."""
    policy = load_texts({"rules.yaml": rules + routing}, {}, expand=False)
    urls = {target: "pagerduty://k@r" for target, spec in policy.routing.specs.items() if spec.receiver == "p"}
    return replace(policy, urls=urls)


POLICIES = [
    _policy(RULES.format(flapping=flapping), routing)
    for flapping in ("off", "{changes: 6, within: 1h}")
    for routing in CONTACTS
] + [_policy(WITHOUT, CONTACTS[0])]
PAGERDUTY = frozenset().union(*(policy.routing.pagerduty for policy in POLICIES))
TARGETS = sorted({target for policy in POLICIES for target in policy.routing.specs})
SOURCES = [EntityKey(Kind.SOURCE, name) for name in ("x", "y", "z")]
ENTITIES = [Entity(key, {"kind": "source", "name": key.id}) for key in SOURCES]
EVERY = 60.0
WHICH = st.integers(0, len(POLICIES) - 1)
NAMES = st.sampled_from([key.id for key in SOURCES])
VALUES = st.sampled_from([0.0, 20.0, None])


class Promises(RuleBasedStateMachine):
    """A watchdog in which anything may happen; what each target heard is written down and checked after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000.0
        self.store = Store.in_memory()
        self.policy = POLICIES[0]
        self.readings = {(key, metric): 0.0 for key in SOURCES for metric in ("recordsLag", "byteTotal")}
        self.answers: dict[str, str] = dict.fromkeys(TARGETS, "fine")
        self.heard: dict[tuple[str, str], list[str]] = defaultdict(list)  #: target and alert to what was said
        self.doubtful: set[tuple[str, str]] = set()  #: the process died between answer and record
        self.silences: list[Silence] = []
        self.api_is_down = False
        self.engine = self._begin()

    def teardown(self) -> None:
        """Everything gets well: whoever heard a beginning hears its end."""
        self.answers = dict.fromkeys(TARGETS, "fine")
        self.readings = dict.fromkeys(self.readings, 0.0)
        self.api_is_down = False
        for _ in range(60):
            self._pass(5 * EVERY)
        for (target, alert), said in self.heard.items():
            ends = [one for one in said if one in ("begin", "end")]
            if (target, alert) in self.doubtful:
                continue  # it may have left the configuration before anybody could know that it had heard
            assert not ends or ends[-1] == "end", f"{target} never heard the end of {alert}: {said}"
        assert not self.engine.records.notifications
        assert not self.engine.records.entries
        self.store.close()

    # -- what may happen

    @initialize(policy=WHICH)
    def choose(self, policy) -> None:
        self.edit(policy)

    @rule(name=NAMES, metric=st.sampled_from(["recordsLag", "byteTotal"]), value=VALUES)
    def read(self, name, metric, value) -> None:
        self.readings[EntityKey(Kind.SOURCE, name), metric] = value

    @rule(seconds=st.sampled_from([10.0, 30.0, 60.0, 300.0, 900.0, 15000.0]))
    def wait(self, seconds) -> None:
        self._pass(seconds)

    @rule(whom=st.sampled_from(TARGETS), answer=st.sampled_from(["fine", "down", "refuses", "nothing"]))
    def receiver(self, whom, answer) -> None:
        self.answers[whom] = answer

    @rule(name=NAMES, seconds=st.sampled_from([60.0, 600.0]))
    def silence(self, name, seconds) -> None:
        matcher = Matcher("name", name)
        self.silences.append(Silence(f"s{len(self.silences)}", (matcher,), self.now, self.now + seconds, "t", "", self.now))
        self.engine.set_silences(self.silences)

    @rule(index=st.integers(0, 5))
    def acknowledge(self, index) -> None:
        firing = self.engine.records.open_episodes()
        if index < len(firing):
            self.engine.acknowledge(firing[index].id, Acknowledgement(self.now, "t"))
            self._save()

    @rule(down=st.booleans())
    def api(self, down) -> None:
        self.api_is_down = down

    @rule(down=st.sampled_from([0.0, 0.0, 45.0, 900.0]))
    def restart(self, down) -> None:
        self.now += down
        self.engine = self._begin()

    @rule(whom=st.sampled_from(TARGETS))
    def die_between_answer_and_record(self, whom) -> None:
        if self.answers[whom] == "fine":
            sending = self.engine.claim(whom, self.now)
            if sending is not None:
                self._note(sending)
                self.doubtful |= {(whom, self._alert(item.episode)) for item in sending.claim.notification.items}
        self.engine = self._begin()

    @rule(policy=WHICH)
    def edit(self, policy) -> None:
        self.policy = POLICIES[policy]
        self.engine.adopt(self.policy)

    # -- what has to hold

    @invariant()
    def no_end_without_a_beginning_and_nothing_twice(self) -> None:
        for (target, alert), said in self.heard.items():
            story = [one for one in said if one in ("begin", "end")]
            if (target, alert) in self.doubtful:
                story = [one for index, one in enumerate(story) if index == 0 or one != story[index - 1]]
            expected = ["begin", "end"] * len(story)
            assert story == expected[: len(story)], f"{target} about {alert}: {said}"

    # -- inside

    def _begin(self) -> Engine:
        saved = self.store.load()
        saved.silences = {silence.id: silence for silence in self.silences}
        engine = Engine(self.policy, saved, start=self.now, every=EVERY, wording=Wording(), name="w")
        engine.restore_windows(*self.store.load_windows())
        self.engine = engine
        self._save()
        return engine

    def _pass(self, seconds: float) -> None:
        """Time, poll by poll and deadline by deadline."""
        until = self.now + seconds
        while self.now < until:
            poll_at = (self.now // EVERY + 1) * EVERY
            deadline = self.engine.next_deadline(self.now)
            self.now = min(until, poll_at, max(deadline or until, self.now + 1.0))
            if self.now == poll_at:
                self._poll()
            self.engine.tick(self.now)
            self._save()
            self._deliver()

    def _poll(self) -> None:
        readings = SparseReadings()
        for (key, metric), value in self.readings.items():
            if value is not None:
                readings.put(key, metric, value, self.now)
        dark = frozenset(map(str, SOURCES)) if self.api_is_down else frozenset()
        listing = Listing(ENTITIES, frozenset(REAL_KINDS))
        poll = RecordedPoll(self.now, listing, Failures(), readings, dark)
        self.engine.judge(poll, {"polls_missed": 0.0, "cycle_seconds": 0.0, "rules_invalid": 0.0})
        self._save(after_poll=True)

    def _save(self, *, after_poll: bool = False) -> None:
        changes = self.engine.take_changes(after_poll=after_poll)
        if changes:
            windows, rosters = self.engine.windows() if after_poll else ((), ())
            self.store.commit(changes, windows, rosters)

    def _deliver(self) -> None:
        for target in self.engine.waiting_targets():
            for _ in range(100):
                sending = self.engine.claim(target, self.now)
                if sending is None:
                    break
                answer = self.answers[target]
                if answer == "fine":
                    self._note(sending)
                    self.engine.accepted(sending, self.now)
                else:
                    error = DeliveryError(answer, permanent=answer == "refuses", unknown=answer == "nothing")
                    if error.unknown and target not in PAGERDUTY:
                        self._note(sending)  # it may have arrived, and is not repeated
                    if error.permanent:  # an end that is refused for good is closed in the ledger
                        for item in sending.claim.notification.items:
                            if item.part is Part.END and not sending.claim.notification.is_fallback:
                                self.heard[target, self._alert(item.episode)].append("end")
                    self.engine.failed(sending, error, self.now)
                self._save()

    def _note(self, sending: Sending) -> None:
        notification, missed = sending.claim.notification, sending.claim.missed
        for item in notification.items:
            alert = self._alert(item.episode)
            said = "missed" if item.episode in missed else str(item.part)
            known = [one for one in self.heard[notification.target, alert] if one in ("begin", "end")]
            if item.part in (Part.ESCALATE, Part.REMIND) and said != "missed" and (not known or known[-1] == "end"):
                said = "begin"  # heard of it first this way
            if item.part is Part.END and notification.is_fallback and (not known or known[-1] == "end"):
                said = "end for another"  # refused for good elsewhere
            self.heard[notification.target, alert].append(said)

    def _alert(self, episode: str) -> str:
        return str(self.engine.records.episodes[episode].alert)


TestPromises = Promises.TestCase
TestPromises.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
