"""The engine: one poll in, states and duties out. It reads no clock, touches no store and sends nothing."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from watchdog.alerts.episodes import Acknowledgement, Episode, Facts, Note, Withdrawal
from watchdog.alerts.lifecycle import AlertKey, AlertState, Tick
from watchdog.alerts.silences import Silence
from watchdog.cycle.alert_table import Alerts, step_all
from watchdog.cycle.episode_changes import relabel, tell
from watchdog.cycle.evaluation import Evaluation
from watchdog.cycle.policy import Policy
from watchdog.cycle.self_metrics import Health, RuleActivity, beside, watchdog_entity
from watchdog.cycle.state import Changes, CycleState, Saved
from watchdog.cycle.target_health import Targets
from watchdog.errors import DeliveryError
from watchdog.notify import trend
from watchdog.notify.chart import Picture, draw, limit_of
from watchdog.notify.dispatcher import Dispatcher
from watchdog.notify.message import Message
from watchdog.notify.outcomes import Claim
from watchdog.notify.records import Records
from watchdog.notify.rendering import Links, Wording, unit_of
from watchdog.readings import packing
from watchdog.readings.chart_history import ChartHistory
from watchdog.readings.fleet import REAL_KINDS
from watchdog.readings.freshness import Newest
from watchdog.readings.history import History
from watchdog.readings.poll import Poll
from watchdog.readings.presence import Presence
from watchdog.readings.reading_age import METRIC as AGE
from watchdog.readings.reading_age import Ages
from watchdog.readings.snapshot import Snapshot
from watchdog.rules.evaluator import Evaluator

logger = logging.getLogger(__name__)

#: The watchdog's readings that only the service knows; `judge` is given them.
SERVICE_READINGS = ("polls_missed", "cycle_seconds", "rules_invalid", "web_refusals", "recording_seconds")


@dataclass(frozen=True, slots=True)
class Sending:
    """One message on its way to one target, and the claim its answer settles."""

    claim: Claim
    message: Message

    @property
    def target(self) -> str:
        return self.claim.notification.target


class Engine:
    """One watchdog's decisions. Not thread-safe: its owner holds a lock around every call. `stopwatch` reads a clock in
    seconds, to tell what each rule costs.

    `every` is the interval between polls in seconds. After each call that changes something, `take_changes` gives what
    has to be saved, before anything that was decided may be sent.
    """

    def __init__(
        self,
        policy: Policy,
        saved: Saved,
        *,
        start: float,
        every: float,
        wording: Wording,
        name: str,
        stopwatch: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.policy = policy
        self.every = every
        self.started = start
        self.evaluation: Evaluation | None = None
        self.targets = Targets(saved.targets)
        self._wording = wording
        self._stopwatch = stopwatch
        self._next_policy: Policy | None = None
        self._alerts = Alerts.of(saved.alerts)
        self._notes: list[Note] = []
        self._labels_of: tuple[int, str] | None = None  #: the fleet and configuration that open alerts' labels are of
        cycle_state = CycleState.decode(saved.documents.get("cycle"))
        self._previous: float | None = cycle_state.at
        self.health = cycle_state.health or Health(start)
        live = (key.entity_key for key, _ in self._alerts.live())
        self.presence = Presence.of([watchdog_entity(name)], start, live, cycle_state.absences)
        self.newest = Newest()
        self.ages = Ages()
        self.history = History(every)
        self.trace = ChartHistory()
        self._evaluator = self._evaluator_for(policy)
        self.rule_activity = RuleActivity()
        records = Records()
        records.restore(
            saved.episodes.values(),
            saved.groups.values(),
            saved.entries.values(),
            saved.notifications.values(),
            saved.next_notification,
        )
        self.dispatcher = Dispatcher(records, policy.routing, policy.by_name, policy.mutes)
        self.dispatcher.set_silences(saved.silences.values())
        self.dispatcher.reroute(policy.routing, policy.by_name, policy.mutes, start)
        made = saved.documents.get("reports")
        self.dispatcher.set_reports(policy.reports, max(cycle_state.at or start, float(made or 0)))
        self.dispatcher.resume(start, _last_look(cycle_state.at, saved.documents.get("held")))

    @property
    def links(self) -> Links:
        return self._wording.links

    @property
    def records(self) -> Records:
        return self.dispatcher.records

    def restore_windows(self, rosters: Sequence[packing.RowIds], saved: Sequence[packing.Saved]) -> None:
        """What windows and ages had seen before a restart; to be called before the first poll."""
        self.history.restore(rosters, saved)
        self.ages.restore(rosters, saved)

    # -- one poll

    def judge(self, poll: Poll, service: Mapping[str, float]) -> None:
        """One cycle: who exists, what was read, what is wrong, since when, who is to be told.

        `service` gives SERVICE_READINGS; others in it replace the engine's own (rule tests).
        """
        now = poll.at
        replaced = self._adopt(now)
        self.dispatcher.keep_hours(now)
        self.presence, gone = self.presence.after(poll.listing, now)
        self.health = self.health.after(poll.failures, now)
        seen = self.newest.among(poll.snapshot(self.presence.fleet))
        self.ages.update(seen, poll)
        own = {**self._own_readings(now), **service}
        snapshot = self.ages.beside(beside(seen, own))
        self.history.record(snapshot)
        verdicts = self._evaluator.judge(snapshot, self.history)
        self.newest.note(seen)
        self.rule_activity.observe(verdicts, now, good=not poll.failures)
        tick = Tick(now, self._previous, self.every)
        awaited = self.dispatcher.awaiting()
        outcome = step_all(self._alerts, verdicts, self.policy.by_name, self.presence, tick, awaited, replaced)
        self.evaluation = Evaluation(now, snapshot, {v.rule.name: v for v in verdicts}, own,
                             tuple(str(error) for error in poll.failures.errors),
                             tuple(self.rule_activity.never(now)), self.ages.without_readings())  # fmt: skip
        if gone:
            logger.info("entities no longer exist", extra={"entities": sorted(map(str, gone))})
        for stepped in outcome.stepped:
            try:
                note = tell(self.dispatcher, stepped, snapshot, now)
                self._notes += [] if note is None else [note]
            except Exception:  # it stays what it was: the next poll tries again, and the others are told
                logger.exception("alert skipped in this cycle", extra={"alert": str(stepped.key)})
                self._alerts.put(stepped.key, stepped.before)
        self._relabel()
        self.dispatcher.evaluated(now, outcome.true, self.presence.fleet, lambda key: self.state(key).evaluated is None)
        self.targets.settle(self.policy.routing.specs, self.waiting_targets())
        self._previous = now
        self._draw(snapshot)

    def adopt(self, policy: Policy) -> None:
        """Use another configuration from the next poll on; state is kept."""
        self._next_policy = policy

    # -- between polls

    def tick(self, now: float) -> None:
        self.dispatcher.tick(now)

    def next_deadline(self, now: float) -> float | None:
        return self.dispatcher.next_deadline(now)

    def set_silences(self, silences: Iterable[Silence]) -> None:
        self.dispatcher.set_silences(silences)

    def outlived_silences(self, now: float) -> list[Silence]:
        """Active silences of episodes that have ended."""
        return self.dispatcher.outlived_silences(now)

    def acknowledge(self, episode: str, acknowledgement: Acknowledgement) -> None:
        self.dispatcher.acknowledge(episode, acknowledgement)

    def withdraw(self, episode: str, taken_back: Withdrawal) -> None:
        self.dispatcher.withdraw(episode, taken_back)

    def lapsed(self, now: float) -> list[tuple[str, Withdrawal]]:
        """Acknowledgements that were made by resolving an incident and count no longer, by episode."""
        return self.dispatcher.lapsed(now)

    def waiting_targets(self) -> list[str]:
        """Targets that something is owed to."""
        return self.records.waiting_targets()

    def claim(self, target: str, now: float) -> Sending | None:
        """The next message of a target, worded as things stand; None when nothing is due there."""
        claimed = self.dispatcher.claim(target, now)
        if claimed is None:
            return None
        try:
            message = self._wording.message(claimed, self.records, self.current, now, lambda one: self._chart(one, now),
                                            lambda one: self.trend(one, now))  # fmt: skip
        except Exception as cause:  # left in flight it would hold up its group for ever
            logger.exception("message could not be worded", extra={"receiver": claimed.notification.receiver})
            surprise = DeliveryError(f"it could not be worded: {type(cause).__name__}", permanent=False)
            self.dispatcher.failed(claimed, surprise, now)
            return None
        return Sending(claimed, message)

    def standing(self, target: str, episodes: list[Episode], now: float) -> Message:
        """What is true now of alerts that a target was notified about."""
        return self._wording.standing(
            self.records, target, episodes, self.current, now, lambda one: self.trend(one, now)
        )

    def accepted(self, sending: Sending, now: float) -> None:
        self.targets.accepted(sending.claim.notification, now)
        self.dispatcher.accepted(sending.claim, now)

    def failed(self, sending: Sending, error: DeliveryError, now: float) -> None:
        self.targets.failed(sending.claim.notification, error, now)
        self.dispatcher.failed(sending.claim, error, now)

    def name_target(self, target: str, label: str) -> None:
        """What a target is called on pages: fit for logs, no secret in it."""
        spec = self.policy.routing.specs.get(target)
        self.targets.name(target, "" if spec is None else spec.receiver, label)

    def stuck_for(self, now: float) -> float:
        """Seconds for which something has waited without any target accepting anything; 0 when nothing waits."""
        oldest = min((notification.created for notification in self.records.notifications.values()), default=None)
        if oldest is None:
            return 0.0
        return now - max(oldest, self.targets.last_accepted)

    # -- what is asked about it

    def current(self, episode: Episode) -> Facts:
        """An episode's facts as of the last poll that found it true; those of its beginning where none has since."""
        evaluation = self.evaluation  # pages ask from threads of their own, while the next poll may be judged
        found = evaluation.facts(episode) if evaluation is not None and episode.firing else None
        return episode.facts if found is None else found

    def picture(self, episode: Episode, now: float) -> Picture | None:
        """The metric that decides an episode, over the last hours; None where it has no numbers."""
        facts = self.current(episode)
        line = self.trace.line(episode.alert.entity_key, facts.metric)
        if line is None or (episode.ended is not None and episode.ended < line.times[0]):
            return None
        limit = limit_of(facts.value, facts.limit, facts.readings.get(facts.metric))
        until = now if episode.ended is None else max(episode.ended, float(line.times[-1]))
        return Picture(facts.metric, unit_of(facts.metric), line, episode.began, until, limit, episode.ended)

    def _chart(self, episode: Episode, now: float) -> str | None:
        try:
            picture = self.picture(episode, now)
            return None if picture is None else draw(picture)
        except Exception:  # a message without its picture is better than none
            logger.exception("picture not drawn", extra={"alert": episode.alert.rule})
            return None

    def trend(self, episode: Episode, now: float) -> str:
        """Where the value of a firing alert is going, in words; "" where nothing can be said."""
        facts = self.current(episode)
        line = self.trace.line(episode.alert.entity_key, facts.metric) if episode.firing else None
        limit = limit_of(facts.value, facts.limit, facts.readings.get(facts.metric))
        if line is None or limit is None or facts.held:
            return ""
        return trend.sentence(line, now, limit, unit_of(facts.metric))

    def annotations(self, episode: Episode, now: float) -> dict[str, str]:
        """An episode's texts, as a message would say them now."""
        return self._wording.annotations(episode, self.current(episode), now, self.trend(episode, now))

    def state(self, key: AlertKey) -> AlertState:
        return self._alerts.get(key) or AlertState()

    def states(self) -> dict[AlertKey, AlertState]:
        """All alerts that are or were more than inactive."""
        return {AlertKey(rule, entity.kind, entity.id): state
                for rule, states in self._alerts.by_rule.items() for entity, state in states.items()}  # fmt: skip

    # -- what has to be saved

    def take_changes(self, *, after_poll: bool = False) -> Changes:
        """Everything decided since the last call, to be written in one transaction; after a poll also what it taught
        about the polls themselves."""
        unsaved = self.records.take_unsaved()
        notes, self._notes = self._notes, []
        changes = Changes(
            alerts=self._alerts.take_changed(),
            episodes=unsaved.episodes,
            entries=unsaved.entries,
            groups=unsaved.groups,
            notifications=unsaved.notifications,
            notes=[*notes, *unsaved.notes],
            targets=self.targets.take_changed(),
        )
        if after_poll and self._previous is not None:
            changes.documents["cycle"] = CycleState.of(self._previous, self.health, self.presence.absences).encode()
        if any(one is not None and one.report is not None for one in unsaved.notifications.values()):
            changes.documents["reports"] = repr(self.dispatcher.reports_made)
        if unsaved.episodes and self.dispatcher.held_changed_at is not None:
            changes.documents["held"] = repr(self.dispatcher.held_changed_at)
        return changes

    def windows(self) -> tuple[list[packing.Saved], list[packing.RowIds]]:
        """What the last poll added to the windows, to be written with its changes."""
        at = 0.0 if self._previous is None else self._previous
        return [*self.history.saved(), *self.ages.saved(at)], [*self.history.rosters(), *self.ages.rosters()]

    def keep_windows_from(self, now: float) -> packing.KeepFrom:
        """Which saved readings are still reached by some window, ages included."""
        return {**self.history.keep_from(now), **{(packing.Form.STATE, kind, AGE): -math.inf for kind in REAL_KINDS}}

    def forget(self, before: float) -> None:
        """Drop from memory the states of alerts that were over before this instant."""
        self._alerts.forget(before)

    def give_back(self, changes: Changes) -> None:
        """Changes that could not be written: they are part of the next ones, where nothing newer replaced them."""
        newer = self.records.unsaved
        newer.episodes = {**changes.episodes, **newer.episodes}
        newer.entries = {**changes.entries, **newer.entries}
        newer.groups = {**changes.groups, **newer.groups}
        newer.notifications = {**changes.notifications, **newer.notifications}
        self._notes = [*changes.notes, *self._notes]
        self._alerts.changed = {**changes.alerts, **self._alerts.changed}
        self.targets.give_back(changes.targets)

    # -- inside

    def _draw(self, snapshot: Snapshot) -> None:
        """Pictures come last: a surprise in them costs nobody an alert."""
        try:
            self.trace.record(snapshot)
        except Exception:
            logger.exception("poll not drawn")
            self.trace = ChartHistory()

    def _adopt(self, now: float) -> frozenset[str]:
        """Begin to use the next policy, if there is one; returns the rules whose `each` is another now."""
        policy, self._next_policy = self._next_policy, None
        if policy is None:
            return frozenset()
        before, self.policy = self.policy.by_name, policy
        self._evaluator = self._evaluator_for(policy)
        self.rule_activity.keep(policy.by_name)
        self.dispatcher.reroute(policy.routing, policy.by_name, policy.mutes, now)
        self.dispatcher.set_reports(policy.reports, now)
        return frozenset(
            name for name, rule in policy.by_name.items() if name in before and before[name].each != rule.each
        )

    def _evaluator_for(self, policy: Policy) -> Evaluator:
        evaluator = Evaluator(policy.rules, self.every, stopwatch=self._stopwatch)
        self.history.want(evaluator.wanted)
        return evaluator

    def _own_readings(self, now: float) -> dict[str, float]:
        notifications = self.records.notifications.values()
        oldest = min((notification.created for notification in notifications), default=now)
        return {
            "poll_age": now - self.health.last_success,
            "poll_failures": float(self.health.poll_failures),
            "auth_failures": float(self.health.auth_failures),
            "entities": float(len(self.presence.fleet)),
            "entities_without_readings": float(sum(self.ages.without_readings().values())),
            "readings_missing_share": self.ages.missing_share(),
            "rules_never_matching": float(len(self.rule_activity.never(now))),
            "deliveries_waiting": float(len(notifications)),
            "delivery_oldest_age": now - oldest,
            "targets_failing": float(self.targets.failing(self.policy.routing.specs)),
        }

    def _relabel(self) -> None:
        """Where the fleet or the configuration is another than open alerts' labels are of."""
        version = (self.presence.fleet.version, self.policy.fingerprint)
        if version != self._labels_of:
            self._labels_of = version
            relabel(self.dispatcher, self.presence.fleet, self.policy.by_name)


def _last_look(cycle: float | None, held: str | None) -> float | None:
    """The last instant up to which it is known what silences and mutes did: a cycle, or a change between two."""
    return cycle if cycle is None or held is None else max(cycle, float(held))
