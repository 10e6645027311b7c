"""Replay: recorded polls, or what the API remembers, through the rules. Touches no state and sends nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise

import numpy as np

from watchdog.alerts.answers import Answers
from watchdog.alerts.episodes import Episode, Withdrawal
from watchdog.alerts.lifecycle import AlertKey, AlertState, Phase, episode_id, verdict
from watchdog.cycle.engine import SERVICE_READINGS, Engine
from watchdog.cycle.evaluation import Evaluation
from watchdog.cycle.policy import Policy
from watchdog.cycle.state import Saved
from watchdog.notify.pending import PAGES, Item, Part
from watchdog.notify.rendering import Wording
from watchdog.notify.routes import TargetSpec
from watchdog.readings.fleet import REAL_KINDS, EntityKey, Kind, Rows, Table
from watchdog.readings.poll import Poll
from watchdog.readings.presence import Presence
from watchdog.reports.advice import longer_for, words
from watchdog.rules.rule import Rule
from watchdog.rules.verdicts import FALSE, TRUE, UNKNOWN, Verdicts
from watchdog.units import format_duration

#: What the service would say of itself beside each poll.
_SERVICE = dict.fromkeys(SERVICE_READINGS, 0.0)
#: So many polls tell how far apart they are.
_FIRST_POLLS = 10

NOTHING_SAID = Answers()

#: Whose metric to its values with their instants; not a number where there was no reading.
Readings = dict[tuple[EntityKey, str], list[tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """One episode of a replay: who, from when to when (None: it still fires at the end), and why.

    `held`: the longest time from a true poll to a true poll in it, without a false one in between.
    """

    entity: str  #: kind/name
    entity_key: EntityKey
    since: float
    began: float
    ended: float | None
    reason: str
    metric: str
    held: float = 0.0

    @property
    def key(self) -> tuple[EntityKey, str]:
        """What decided it: whose metric."""
        return self.entity_key, self.metric


@dataclass(slots=True)
class RuleReport:
    """What one rule would have done. `judged` False: it never knew an answer; `why` says what was missing."""

    name: str
    for_: float
    stretches: list[Stretch] = field(default_factory=list)
    evaluation: bool = False
    why: str = ""
    holds: set[str] = field(default_factory=set)  #: what held its alerts back: `muted by nightly-load`
    covered: dict[EntityKey, str] = field(default_factory=dict)  #: whom it was ever judged on, and kind/name

    @property
    def advice(self) -> str:
        """What a longer `for` would have left, where at least half of the episodes were shorter; "" otherwise."""
        over = [one for one in self.stretches if one.ended is not None]  # what still fires may go on
        longer = longer_for([one.held for one in over], self.for_)
        if longer is None:
            return ""
        episodes = "episodes" if len(over) == len(self.stretches) else "episodes that are over"
        return words(longer, sum(one.held < longer for one in over), len(over), episodes)


@dataclass(frozen=True, slots=True)
class Page:
    """A message that asks a receiver to look: something began, is reminded of or was escalated in it."""

    at: float
    receiver: str
    alerts: frozenset[AlertKey]

    @property
    def rules(self) -> frozenset[str]:
        return frozenset(alert.rule for alert in self.alerts)


@dataclass(slots=True)
class Report:
    """A whole replay. `messages[receiver][kind]` counts."""

    start: float = 0.0
    end: float = 0.0
    polls: int = 0
    failed: int = 0
    rules: list[RuleReport] = field(default_factory=list)
    messages: dict[str, Counter[str]] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)
    ends: list[Page] = field(default_factory=list)  #: messages that tell a receiver of ends


@dataclass(slots=True)
class _Run:
    """How long an alert has been true: since when and up to when without a false poll, and the longest such time."""

    since: float | None = None
    longest: float = 0.0

    def see(self, truth: int, now: float) -> None:
        if truth == FALSE:
            self.since = None
        elif truth == TRUE:
            self.since = now if self.since is None else self.since
            self.longest = max(self.longest, now - self.since)


def interval_of(polls: Iterable[Poll], otherwise: float) -> float:
    """The usual time between the first polls; `otherwise` where there are too few."""
    instants = [poll.at for poll in islice(polls, _FIRST_POLLS)]
    gaps = sorted(later - earlier for earlier, later in pairwise(instants))
    return gaps[len(gaps) // 2] if gaps else otherwise


def readings_behind(report: Report, polls: Iterable[Poll]) -> Readings:
    """What decided the episodes of a report, over all of the polls it played, also while nothing fired."""
    wanted = {one.key for rule in report.rules for one in rule.stretches if one.metric}
    found: Readings = {}
    if not wanted:
        return found
    presence = Presence.of([], report.start)
    for poll in polls:
        presence, _ = presence.after(poll.listing, poll.at)
        snapshot = poll.snapshot(presence.fleet)
        for key, metric in wanted:
            row = snapshot.fleet.table(key.kind).row.get(key)
            if row is not None:
                value = float(snapshot.column(key.kind, metric).numbers[row])
                found.setdefault((key, metric), []).append((snapshot.at, value))
    return found


def replay(polls: Iterable[Poll], policy: Policy, every: float, answers: Answers = NOTHING_SAID) -> Report:
    """Play polls through a policy; every receiver accepts at once, and people do what they did."""
    played = Replay(policy, every, answers)
    for poll in polls:
        played.judge(poll)
    return played.report()


class Replay:
    """Plays polls, one after the other, through a policy. `report` ends it.

    `answers`: what people did then. An alert that fires later than it did was acknowledged before, and is so from its
    beginning; one that did not fire then is nobody's word.
    """

    def __init__(self, policy: Policy, every: float, answers: Answers = NOTHING_SAID) -> None:
        receivers = {
            name: replace(one, targets=(TargetSpec(name, "replay"),)) for name, one in policy.receivers.items()
        }
        self._policy = replace(policy, receivers=receivers, urls={})
        self._every = every
        self._answers = answers
        self._silences = {one.id: one for one in answers.silences}
        said = (at for one in answers.acknowledged for at in (one.at, one.withdrawn))
        self._instants = sorted({at for at in said if at is not None})
        self._engine: Engine | None = None
        self._rules = {rule.name: RuleReport(rule.name, rule.terms.for_) for rule in policy.rules}
        self._episodes: dict[str, Episode] = {}
        self._runs: dict[AlertKey, _Run] = {}
        self._held: dict[str, float] = {}  # by episode
        self._matched: set[str] = set()  # rules that some entity was selected by
        self._seen: set[tuple[Kind, str]] = set()  # metrics that were read of anybody
        self._covered: dict[str, tuple[Table, Rows]] = {}
        self._report = Report()

    def judge(self, poll: Poll) -> None:
        """The timers up to this poll, then the poll."""
        report = self._report
        if self._engine is None:
            report.start = poll.at
            self._engine = Engine(self._policy, Saved(), start=poll.at, every=self._every, wording=Wording(),
                                  name="replay")  # fmt: skip
            self._engine.set_silences(self._silences.values())
        else:
            self._timers_until(poll.at)
        self._engine.judge(poll, _SERVICE)
        self._answer(poll.at)
        self._settle(poll.at)
        report.polls += 1
        report.failed += bool(poll.failures)
        report.end = poll.at
        self._look()

    def at_last_poll(self, key: AlertKey) -> tuple[Evaluation, Phase]:
        """What the last poll said, and one alert's state after it. There has been a poll."""
        assert self._engine is not None and self._engine.evaluation is not None
        return self._engine.evaluation, self._engine.state(key).phase

    def report(self) -> Report:
        """What came of it all, the timers of the last minute included."""
        report = self._report
        if self._engine is not None:
            self._timers_until(report.end + 60.0)
        for episode in self._episodes.values():
            facts = episode.facts
            key = episode.alert.entity_key
            stretch = Stretch(f"{key.kind}/{facts.entity}", key, episode.since, episode.began, episode.ended,
                              facts.reason, facts.metric, self._held.get(episode.id, 0.0))  # fmt: skip
            if episode.alert.rule in self._rules:
                self._rules[episode.alert.rule].stretches.append(stretch)
        report.rules = list(self._rules.values())
        for rule in self._policy.rules:
            self._rules[rule.name].why = self._why_not(rule)
        return report

    def _timers_until(self, at: float) -> None:
        """Group timers between two polls."""
        assert self._engine is not None
        now = self._report.end
        while (deadline := self._next(now)) is not None and max(deadline, now) < at:
            now = max(deadline, now + 1e-3)
            self._answer(now)
            self._settle(now)

    def _next(self, now: float) -> float | None:
        """When a timer is due, or somebody says something."""
        assert self._engine is not None
        place = bisect_right(self._instants, now)
        said = self._instants[place] if place < len(self._instants) else None
        return min((at for at in (self._engine.next_deadline(now), said) if at is not None), default=None)

    def _answer(self, now: float) -> None:
        """What people have said of the alerts that fire, up to this instant."""
        assert self._engine is not None
        records = self._engine.records
        for one in self._answers.acknowledged:
            episode = records.latest(one.alert)
            if episode is None or not episode.firing:
                continue
            if one.counts(now) and episode.acknowledgement is None:
                self._engine.acknowledge(episode.id, one.given)
            elif episode.acknowledgement == one.given and one.withdrawn is not None and one.withdrawn <= now:
                self._engine.withdraw(episode.id, Withdrawal(one.withdrawn, "somebody", one.via))
        for id_, alert in self._answers.bound:
            episode = records.latest(alert)
            if episode is None or not episode.firing or episode.id == id_:
                continue
            for silence in [one for one in self._silences.values() if one.episode == id_ and one.active(now)]:
                # this episode is that one, whenever it began here
                self._silences[silence.id] = replace(silence, episode=episode.id)
                self._engine.set_silences(self._silences.values())

    def _settle(self, now: float) -> None:
        """Timers of this instant and every message, accepted at once."""
        assert self._engine is not None
        self._engine.tick(now)
        for target in self._engine.waiting_targets():
            while (sending := self._engine.claim(target, now)) is not None:
                notification = sending.claim.notification
                receiver = notification.receiver
                self._page(notification.items, receiver, now)
                self._report.messages.setdefault(receiver, Counter())[str(sending.message.kind)] += 1
                self._engine.accepted(sending, now)
        changed = self._engine.take_changes().episodes
        self._episodes.update(changed)
        for episode in changed.values():
            if episode.hold and episode.alert.rule in self._rules:
                held = self._rules[episode.alert.rule].holds
                held.update(f"muted by {one}" for one in episode.hold.mutes)
                held.update([f"suppressed by {episode.hold.suppressor}"] if episode.hold.suppressor else [])

    def _page(self, items: Iterable[Item], receiver: str, now: float) -> None:
        assert self._engine is not None
        episodes = self._engine.records.episodes
        for parts, sent in ((PAGES, self._report.pages), (frozenset({Part.END}), self._report.ends)):
            alerts = frozenset(episodes[one.episode].alert for one in items if one.part in parts)
            if alerts:
                sent.append(Page(now, receiver, alerts))

    def _look(self) -> None:
        """Which rules knew an answer, and for how long what is true has been so."""
        assert self._engine is not None and self._engine.evaluation is not None
        evaluation = self._engine.evaluation
        for name, verdicts in evaluation.verdicts.items():
            rule = self._rules[name]
            if len(verdicts.rows):
                self._matched.add(name)
                self._cover(rule, verdicts)
            if (verdicts.observed & (verdicts.truth != UNKNOWN)).any():
                rule.evaluation = True
        self._seen.update((kind, name) for kind in REAL_KINDS for name in evaluation.snapshot.names(kind))
        before, self._runs = self._runs, {}  # an alert that is inactive again has no state
        for key, state in self._engine.states().items():
            if state.phase not in (Phase.PENDING, Phase.FIRING):
                continue
            run = self._runs[key] = before.get(key) or _Run()
            run.see(_truth(evaluation.verdicts[key.rule], key), evaluation.at)
            if state.phase is Phase.FIRING and state.began is not None:
                self._held[episode_id(key, state.began)] = run.longest

    def _cover(self, rule: RuleReport, verdicts: Verdicts) -> None:
        """Note whom a rule covers; a steady fleet has steady rows."""
        known = self._covered.get(rule.name)
        if known is None or known[0] is not verdicts.table or not np.array_equal(known[1], verdicts.rows):
            self._covered[rule.name] = verdicts.table, verdicts.rows
            entities = verdicts.table.entities
            for one in (entities[row] for row in verdicts.rows):
                rule.covered[one.key] = f"{one.key.kind}/{one.name}"

    def _why_not(self, rule: Rule) -> str:
        """Why a rule was never judged; "" where it was."""
        if self._rules[rule.name].evaluation:
            return ""
        if not any(terms.enabled for terms in rule.variants):
            return "it is not enabled"
        if rule.name not in self._matched:
            return "no entity matched"
        unread = sorted({metric for kind, metric in rule.expr.metrics if not self._was_seen(kind, metric)})
        if unread:
            return f"there was no reading of {' and '.join(unread)}"
        widest = max((wanted.seconds for wanted in rule.expr.windows.values()), default=0.0)
        played = self._report.end - self._report.start
        if widest > played:
            return f"its window of {format_duration(widest)} is longer than the {format_duration(played)} played"
        return "at every poll some reading it needs was missing, or a window not full"

    def _was_seen(self, kind: Kind, metric: str) -> bool:
        kinds = (Kind.SOURCE, Kind.DESTINATION) if kind is Kind.CONNECTOR else (kind,)
        return any((one, metric) in self._seen for one in kinds)


def _truth(verdicts: Verdicts, key: AlertKey) -> int:
    """What a poll says of an alert's `expr`, `no_data` applied; unknown where it was not judged."""
    position = verdicts.position(key.entity_key)
    if position is None or not verdicts.observed[position]:
        return UNKNOWN
    terms = verdicts.rule.variants[int(verdicts.variant[position])]
    return verdict(AlertState(), int(verdicts.truth[position]), None, terms.no_data)
