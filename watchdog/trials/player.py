"""The player: a case through the service's own engine, store and dispatcher, on a clock of its own."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from watchdog.alerts.episodes import Acknowledgement
from watchdog.alerts.lifecycle import AlertKey, Phase
from watchdog.alerts.silences import Silence
from watchdog.cycle.engine import SERVICE_READINGS, Engine, Sending
from watchdog.cycle.state import Saved
from watchdog.delivery.layout import remainder
from watchdog.errors import DeliveryError
from watchdog.notify.message import Message, MessageKind
from watchdog.notify.outcomes import waiting
from watchdog.notify.rendering import Wording
from watchdog.notify.routes import text_of
from watchdog.reports.message import filled, scheduled
from watchdog.store.store import Store
from watchdog.trials.cases import Case
from watchdog.trials.world import World

#: A runaway of timers would otherwise play for ever; no test needs so many in one instant.
_MOST_AT_ONCE = 10_000
#: Lines of a message that help to see what came instead of an expected one.
_GLANCE = 15


@dataclass(frozen=True, slots=True)
class Told:
    """A message that a receiver accepted, `at` seconds from the start of the case."""

    at: float
    to: str
    kind: MessageKind
    text: str

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0]

    @property
    def details(self) -> tuple[str, ...]:
        """What it says below its title, as far as a glance goes."""
        return tuple(self.text.splitlines()[1:_GLANCE])


@dataclass(slots=True)
class Played:
    """What happened: every message, and the state of the alerts that were asked about.

    `whys`: what made the states that were not the expected ones; `acks`: what became of each acknowledgement.
    """

    told: list[Told] = field(default_factory=list)
    states: dict[tuple[float, AlertKey], Phase] = field(default_factory=dict)
    whys: dict[tuple[float, AlertKey], str] = field(default_factory=dict)
    changes: list[tuple[float, AlertKey, Phase]] = field(default_factory=list)
    acks: list[tuple[float, str]] = field(default_factory=list)


def play(case: Case, after_poll: Callable[[Engine], None] = lambda engine: None) -> Played:
    """Run a case to its end; `after_poll` looks at each poll."""
    return _Player(case, after_poll).run()


class _Player:
    def __init__(self, case: Case, after_poll: Callable[[Engine], None]) -> None:
        self._case = case
        self._after_poll = after_poll
        self._world = World(case)
        self._played = Played()
        self._policy = replace(case.policy, urls={})
        self._heard: dict[Told, Counter[str]] = defaultdict(Counter)
        # only a restart and a report read what was saved; without one the store would only cost time
        reports = any(policy.reports for policy in (case.policy, *(later for _, later in case.reloads)))
        self._store = Store.in_memory() if case.restarts or reports else None
        self._phases: dict[AlertKey, Phase] = {}
        self._engine: Engine | None = self._begin(0.0)

    def run(self) -> Played:
        case = self._case
        fixed = self._instants()
        at = 0.0
        while at <= case.ends + 1e-9:
            self._instant(at)
            at = self._next(at, fixed)
        if self._store is not None:
            self._store.close()
        return self._played

    # -- the clock

    def _instants(self) -> list[float]:
        """Instants at which something happens by itself: polls, what the test does, what it asks."""
        case = self._case
        polls = [index * case.interval for index in range(int(case.ends / case.interval) + 1)]
        done = [at for restart in case.restarts for at in (restart.down, restart.up)]
        done += [at for at, *_ in case.acks] + [at for at, _ in case.reloads]
        done += [at for _, span in (*case.receivers_down, *case.silences) for at in (span.start, span.end)]
        asked = [one.at for one in case.alerts]
        return sorted({at for at in (*polls, *done, *asked) if at <= case.ends})

    def _next(self, at: float, fixed: list[float]) -> float:
        index = bisect_right(fixed, at + 1e-9)
        following = fixed[index] if index < len(fixed) else float("inf")
        if self._engine is not None:
            deadline = self._engine.next_deadline(self._case.start + at)
            if deadline is not None:
                following = min(following, max(deadline - self._case.start, at + 1e-3))
        return following

    def _instant(self, at: float) -> None:
        """First what the test does to the world, then the poll, then the timers."""
        self._act(at)
        if self._engine is not None:
            if _is_multiple(at, self._case.interval):
                self._poll(at)
            self._engine.tick(self._case.start + at)
            self._save()
            self._deliver(at)
        self._ask(at)

    # -- what the test does

    def _act(self, at: float) -> None:
        case, now = self._case, self._case.start + at
        for restart in case.restarts:
            if _same(restart.down, at):
                self._end()
            if _same(restart.up, at):
                self._engine = self._begin(at)
        for when, policy in case.reloads:
            if _same(when, at):
                self._policy = replace(policy, urls={})
                if self._engine is not None:
                    self._engine.adopt(self._policy)
        if self._engine is None:
            return
        for when, rule, entity, via in case.acks:
            if not _same(when, at):
                continue
            key = AlertKey(rule, entity.kind, entity.id)
            episode = self._engine.records.latest(key)
            if episode is not None and episode.firing:
                self._engine.acknowledge(episode.id, Acknowledgement(now, "test", via=via))
                self._played.acks.append((at, f"{key} is acknowledged{' at PagerDuty' if via == 'pagerduty' else ''}"))
            else:
                self._played.acks.append((at, f"{key} does not fire: nothing to acknowledge"))
        for receiver, span in case.receivers_down:
            if _same(span.end, at) and not self._is_down(receiver, at):
                self._engine.dispatcher.retry_now(receiver, now)

    def _begin(self, at: float) -> Engine:
        now = self._case.start + at
        saved = self._store.load() if self._store is not None else Saved()
        saved.silences = {silence.id: silence for silence in self._silences()}
        engine = Engine(self._policy, saved, start=now, every=self._case.interval, wording=Wording(), name="watchdog")
        if self._store is not None:
            engine.restore_windows(*self._store.load_windows())
        self._world.forget()
        return engine

    def _end(self) -> None:
        self._save()
        self._engine = None

    def _silences(self) -> list[Silence]:
        case = self._case
        return [
            Silence(f"silence-{index}", matchers, case.start + span.start, case.start + min(span.end, case.ends + 1e6),
                    "test", "silenced in this test", case.start + span.start)
            for index, (matchers, span) in enumerate(case.silences)
        ]  # fmt: skip

    # -- what the service does

    def _poll(self, at: float) -> None:
        assert self._engine is not None
        poll = self._world.poll(at)
        service = dict.fromkeys(SERVICE_READINGS, 0.0)
        self._engine.judge(poll, {**service, **self._world.own(at)})
        self._save(after_poll=True)
        self._after_poll(self._engine)
        for key, state in self._engine.states().items():
            if self._phases.get(key, Phase.INACTIVE) is not state.phase:
                self._phases[key] = state.phase
                self._played.changes.append((at, key, state.phase))
        for key in [key for key in self._phases if self._engine.state(key).phase is Phase.INACTIVE]:
            if self._phases.pop(key) is not Phase.INACTIVE:
                self._played.changes.append((at, key, Phase.INACTIVE))

    def _save(self, *, after_poll: bool = False) -> None:
        if self._engine is None:
            return
        changes = self._engine.take_changes(after_poll=after_poll)
        if self._store is not None and changes:
            windows, rosters = self._engine.windows() if after_poll else ((), ())
            self._store.commit(changes, windows, rosters)

    def _deliver(self, at: float) -> None:
        """Everything that is due now, as the courier would; a receiver that is down refuses for the moment."""
        assert self._engine is not None
        now = self._case.start + at
        for _ in range(_MOST_AT_ONCE):
            sent = False
            for target in self._engine.waiting_targets():
                sending = self._engine.claim(target, now)
                if sending is None:
                    continue
                sent = True
                receiver = sending.claim.notification.receiver
                if self._is_down(receiver, at):
                    self._engine.failed(sending, DeliveryError("down in this test", permanent=False), now)
                else:
                    message = self._message(sending)
                    self._tell(Told(at, receiver, message.kind, text_of_message(message)), target)
                    self._engine.accepted(sending, now)
                self._save()
            if not sent:
                self._engine.tick(now)
                self._save()
                due = (one for one, first in waiting(self._engine.records) if one is first)
                if not any(one.next_try <= now for one in due):
                    return

    def _message(self, sending: Sending) -> Message:
        """What is sent; a report is made of what was saved."""
        assert self._engine is not None
        span = sending.claim.notification.report
        if span is None or self._store is None:
            return sending.message
        report = scheduled(span, self._store.rows_of(span.start, span.end), self._engine.policy, self._case.interval)
        return filled(sending.message, report)

    def _tell(self, told: Told, target: str) -> None:
        """A receiver hears a message once, however many targets it has."""
        heard = self._heard[told]
        heard[target] += 1
        if heard[target] > max((count for other, count in heard.items() if other != target), default=0):
            self._played.told.append(told)

    def _is_down(self, receiver: str, at: float) -> bool:
        return any(name == receiver and span.covers(at) for name, span in self._case.receivers_down)

    # -- what the test asks

    def _ask(self, at: float) -> None:
        for asked in self._case.alerts:
            if _same(asked.at, at):
                key = AlertKey(asked.rule, asked.entity.kind, asked.entity.id)
                phase = self._phases.get(key, Phase.INACTIVE)
                if self._engine is not None:
                    phase = self._engine.state(key).phase
                self._played.states[asked.at, key] = phase
                if phase is not asked.state:
                    self._played.whys[asked.at, key] = self._why(key)

    def _why(self, key: AlertKey) -> str:
        """What the last poll said of an alert that is not in the state a test expects."""
        engine = self._engine
        if engine is None:
            return "the watchdog is down, and this is what it knew"
        if engine.evaluation is None:
            return "there has been no poll yet"
        verdicts = engine.evaluation.verdicts.get(key.rule)
        if verdicts is None:
            return "no such rule is loaded"
        if engine.presence.fleet.entity(key.entity_key) is None:
            return "there is no such entity"
        if key.entity_key not in verdicts.table.row:
            return f"the rule is about each {verdicts.rule.each}, this is a {key.kind}"
        position = verdicts.position(key.entity_key)
        if position is None:
            return "the rule leaves it out, by its where or by enabled: false"
        if not verdicts.observed[position]:
            return "it is unobserved"
        return verdicts.explain(int(verdicts.rows[position])).reason


def text_of_message(message: Message) -> str:
    """Everything a message says, for `contains`."""
    parts = [message.title, message.headline, message.cause]
    for line in (*message.changed, *message.standing):
        parts += [line.alertname, line.entity, line.severity, line.summary, line.description, line.reason, line.value,
                  line.note, line.runbook_url]  # fmt: skip
        parts += [f"{name}={text_of(value)}" for name, value in line.labels.items()]
    return "\n".join(part for part in (*parts, message.report_text, remainder(message)) if part)


def _same(one: float, other: float) -> bool:
    return abs(one - other) < 1e-6


def _is_multiple(at: float, interval: float) -> bool:
    return abs(at / interval - round(at / interval)) < 1e-9
