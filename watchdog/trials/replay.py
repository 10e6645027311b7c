"""Replay: recorded polls, or what the API remembers, through the rules. Touches no state and sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from watchdog.alerts.episodes import Episode
from watchdog.cycle.engine import Engine
from watchdog.cycle.policy import Policy
from watchdog.cycle.saved import Saved
from watchdog.notify.routes import TargetSpec
from watchdog.notify.wording import Wording
from watchdog.readings.fleet import REAL_KINDS, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing, Poll
from watchdog.readings.snapshot import SparseReadings
from watchdog.rules.verdicts import UNKNOWN
from watchdog.streamkap.past import Past
from watchdog.streamkap.recording import RecordedPoll
from watchdog.units import format_duration

#: What a longer `for` could be, in seconds.
_LONGER = (60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
_RULELESS = "no entity matched"


@dataclass(frozen=True, slots=True)
class Stretch:
    """One episode of a replay: who, from when to when (None: it still fires at the end), and why."""

    entity: str
    entity_id: str
    since: float
    began: float
    ended: float | None
    reason: str
    metric: str


@dataclass(slots=True)
class RuleReport:
    """What one rule would have done. `judged` False: it never knew an answer; `why` says what was missing."""

    name: str
    for_: float
    stretches: list[Stretch] = field(default_factory=list)
    judged: bool = False
    why: str = ""

    def advice(self, until: float) -> str:
        """What a longer `for` would have left, where at least half of the episodes were shorter; "" otherwise."""
        lasted = [(one.ended or until) - one.since for one in self.stretches]
        if len(lasted) < 2:
            return ""
        for longer in _LONGER:
            short = sum(1 for seconds in lasted if seconds < longer)
            if longer > self.for_ and short * 2 >= len(lasted):
                text = format_duration(longer)
                return (f"{short} of {len(lasted)} episodes were shorter than {text}; "
                        f"`for: {text}` would have left {len(lasted) - short}")  # fmt: skip
        return ""


@dataclass(slots=True)
class Report:
    """A whole replay. `messages[receiver][kind]` counts; `series[entity id, metric]` are the readings that decided."""

    start: float = 0.0
    end: float = 0.0
    polls: int = 0
    failed: int = 0
    rules: list[RuleReport] = field(default_factory=list)
    messages: dict[str, Counter[str]] = field(default_factory=dict)
    series: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=dict)


def replay(polls: Iterable[Poll], policy: Policy, every: float) -> Report:
    """Play polls through a policy; every receiver accepts at once."""
    return _Replay(policy, every).run(polls)


def polls_of(past: Past, since: float, until: float, every: float) -> Iterator[RecordedPoll]:
    """What the API remembers, as the polls that would have seen it: at each the newest value not later than it."""
    listing = Listing(list(past.entities), frozenset(REAL_KINDS) - {Kind.WATCHDOG})
    cursors = {
        (key, metric): (0, [(leaf.at, leaf.value) for leaf in leaves if leaf.at is not None])
        for key, metrics in past.readings.items()
        for metric, leaves in metrics.items()
    }
    at, first = since, True
    while at <= until:
        readings = SparseReadings()
        for (key, metric), (index, values) in cursors.items():
            while index < len(values) and values[index][0] <= at:
                index += 1
            cursors[key, metric] = (index, values)
            if index and at - values[index - 1][0] < max(every, 2 * _step(values)):
                readings.put(key, metric, values[index - 1][1], values[index - 1][0])
        yield RecordedPoll(at, listing if first else None, Failures(), readings)
        first = False
        at += every


def _step(values: list[tuple[float, float | str | None]]) -> float:
    """The usual distance between two values of a series."""
    gaps = sorted(later[0] - earlier[0] for earlier, later in pairwise(values))
    return gaps[len(gaps) // 2] if gaps else 60.0


class _Replay:
    def __init__(self, policy: Policy, every: float) -> None:
        receivers = {
            name: replace(one, targets=(TargetSpec(name, "replay"),)) for name, one in policy.receivers.items()
        }
        self._policy = replace(policy, receivers=receivers, urls={})
        self._every = every
        self._engine: Engine | None = None
        self._rules = {rule.name: RuleReport(rule.name, rule.terms.for_, why=_RULELESS) for rule in policy.rules}
        self._episodes: dict[str, Episode] = {}
        self._report = Report()

    def run(self, polls: Iterable[Poll]) -> Report:
        report = self._report
        for poll in polls:
            if self._engine is None:
                report.start = poll.at
                self._engine = Engine(self._policy, Saved(), start=poll.at, every=self._every, wording=Wording(),
                                      name="replay")  # fmt: skip
            else:
                self._timers_until(poll.at)
            self._engine.judge(poll, {"polls_missed": 0.0, "cycle_seconds": 0.0, "rules_invalid": 0.0})
            self._settle(poll.at)
            report.polls += 1
            report.failed += bool(poll.failures)
            report.end = poll.at
            self._look()
        if self._engine is not None:
            self._timers_until(report.end + 60.0)
        for episode in self._episodes.values():
            facts = episode.facts
            stretch = Stretch(facts.entity, episode.alert.entity, episode.since, episode.began, episode.ended,
                              facts.reason, facts.metric)  # fmt: skip
            if episode.alert.rule in self._rules:
                self._rules[episode.alert.rule].stretches.append(stretch)
        report.rules = list(self._rules.values())
        return report

    def _timers_until(self, at: float) -> None:
        """Group timers between two polls."""
        assert self._engine is not None
        now = self._report.end
        while (deadline := self._engine.next_deadline(now)) is not None and max(deadline, now) < at:
            now = max(deadline, now + 1e-3)
            self._settle(now)

    def _settle(self, now: float) -> None:
        """Timers of this instant and every message, accepted at once."""
        assert self._engine is not None
        self._engine.tick(now)
        for target in self._engine.waiting_targets():
            while (sending := self._engine.claim(target, now)) is not None:
                receiver = sending.claim.duty.receiver
                self._report.messages.setdefault(receiver, Counter())[str(sending.message.kind)] += 1
                self._engine.accepted(sending, now)
        self._episodes.update(self._engine.take_changes().episodes)

    def _look(self) -> None:
        """Which rules knew an answer, and the readings behind what fires."""
        assert self._engine is not None and self._engine.judged is not None
        judged = self._engine.judged
        for name, verdicts in judged.verdicts.items():
            rule = self._rules[name]
            if (verdicts.observed & (verdicts.truth != UNKNOWN)).any():
                rule.judged = True
            elif len(verdicts.rows) and not rule.judged:
                rule.why = "its readings were always missing, or its windows never full"
        for episode in self._engine.book.open_episodes():
            if episode.facts.metric:
                self._trace(episode.alert.entity_key, episode.facts.metric)

    def _trace(self, key: EntityKey, metric: str) -> None:
        assert self._engine is not None and self._engine.judged is not None
        snapshot = self._engine.judged.snapshot
        row = snapshot.fleet.table(key.kind).row.get(key)
        if row is None:
            return
        value = float(snapshot.column(key.kind, metric).numbers[row])
        if value == value:  # not NaN
            self._report.series.setdefault((key.id, metric), []).append((snapshot.at, value))
