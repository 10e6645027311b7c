"""Healthy fleets, made from a seed: nights, weekends, batches, restarts, deploys, snapshots, hiccups of the API, and nothing
wrong. Half of the connectors are sources, half destinations; every world that the API may be is among them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from incidents.physics import STATUSES, TASKS, Flags, Numbers, Sinks, SinkStep, Sources, SourceStep, Traits
from incidents.polls import LISTING_EVERY, ColumnPoll, Heard, Roster, Watch, connector, pack, pipeline, task, transform
from incidents.rhythms import DAY, RHYTHMS, share
from watchdog.errors import ApiError
from watchdog.readings.fleet import REAL_KINDS, Entity, Kind
from watchdog.readings.poll import Failures, Listing

#: A Monday.
MONDAY = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
WEEK, YEAR = 7 * 86_400.0, 365.25 * 86_400.0
#: What happens by itself, how often to a connector in a week, and how long it takes (seconds, from and to).
RESTART, DEPLOY, FAILOVER, REBALANCE, SNAPSHOT, FAILURE, BURST, BATCH = range(8)
EVENTS: dict[int, tuple[float, float, float]] = {
    RESTART: (0.5, 30, 90),
    DEPLOY: (0.3, 120, 480),
    FAILOVER: (0.1, 20, 240),
    REBALANCE: (0.3, 60, 240),
    SNAPSHOT: (0.05, 600, 6 * 3600),
    FAILURE: (0.05, 20, 55),
    BURST: (2.0, 120, 500),
    BATCH: (1.0, 300, 1800),
}
#: Which of them happen to whom.
_OF = {
    Kind.SOURCE: EVENTS.keys(),
    Kind.DESTINATION: {RESTART, DEPLOY, REBALANCE, FAILURE},
    Kind.TRANSFORM: {RESTART, DEPLOY},
}
#: Those that rest on holidays.
OFFICE = [RHYTHMS.index(name) for name in ("office", "strict-office", "weekdays")]
#: How rhythms are spread over sources, in the order of RHYTHMS.
_SPREAD = (0.25, 0.15, 0.12, 0.06, 0.1, 0.08, 0.04, 0.1, 0.1)


@dataclass(frozen=True)
class Result:
    """What was heard of a healthy fleet, and over how many connector-years."""

    seed: int
    years: float
    heard: tuple[Heard, ...]

    @property
    def pages(self) -> tuple[Heard, ...]:
        return tuple(one for one in self.heard if one.to == "oncall")


def play(seed: int, connectors: int, weeks: float, every: float) -> Result:
    """One fleet over some weeks, polled `every` so many seconds."""
    fleet = _Healthy(seed, connectors // 2, every, weeks)
    watch = Watch(pack(), MONDAY, every)
    for at in np.arange(MONDAY, MONDAY + weeks * WEEK, every):
        watch.judge(fleet.poll(float(at)))
    return Result(seed, 2 * (connectors // 2) * weeks * WEEK / YEAR, tuple(watch.heard))


@dataclass
class _Healthy:
    seed: int
    count: int
    every: float
    weeks: float

    def __post_init__(self) -> None:
        rng, count = np.random.default_rng(self.seed), self.count
        self._rng = rng
        self._entities: dict[Kind, list[Entity]] = {kind: [] for kind in REAL_KINDS}
        for number in range(count):
            source = connector(Kind.SOURCE, f"db-{number}", "postgresql")
            sink = connector(Kind.DESTINATION, f"sink-{number}", "snowflake")
            self._entities[Kind.SOURCE].append(source)
            self._entities[Kind.DESTINATION].append(sink)
            self._entities[Kind.PIPELINE].append(pipeline(f"pipe-{number}", source, sink))
            self._entities[Kind.TRANSFORM].append(transform(f"job-{number}"))
        self._entities[Kind.TASK] = [task(one) for kind in (Kind.SOURCE, Kind.DESTINATION) for one in self._entities[kind]]
        self._roster = Roster(self._entities)
        debezium = rng.random(count) < 0.9
        undocumented = rng.random(count) < 0.8
        traits = Traits(debezium, undocumented, rng.random(count) < 0.5, rng.random(count) < 0.5,
                        np.where(rng.random(count) < 0.8, 1.0, 0.0), rng.uniform(0, 0.2, count))  # fmt: skip
        self._sources = Sources(traits, rng)
        self._sinks = Sinks(rng.random(count) < 0.5, np.where(rng.random(count) < 0.1, rng.integers(1, 9, count), 0).astype(float))
        self._rhythm = rng.choice(len(RHYTHMS), size=count, p=np.array(_SPREAD) / sum(_SPREAD)).astype(float)
        self._shift = rng.integers(-9, 10, count) * 3600.0 + rng.integers(0, 60, count) * 60.0
        self._rate = np.exp(rng.normal(0.5, 1.5, count))
        self._rate[self._rhythm == RHYTHMS.index("trickle")] /= 600
        # neighbours of captured tables: only where the attributes exist that tell them apart
        self._others = np.where((rng.random(count) < 0.25) & undocumented, np.exp(rng.normal(0.5, 1.0, count)), 0.0)
        self._loads = rng.choice([0.0, 120.0, 300.0], size=count, p=[0.5, 0.3, 0.2])
        # a public holiday of some countries, in the last whole week: who works in office hours rests
        self._holiday = MONDAY + (max(1, int(self.weeks)) - 1) * WEEK + 2 * DAY
        self._rests = rng.random(count) < 0.1
        self._plan()
        self._listed_at = -np.inf

    def _plan(self) -> None:
        """Everything that will happen: per event and side its beginnings, ends and whom it happens to, in order."""
        rng, length = self._rng, self.weeks * WEEK
        self._events = {}
        for side in (Kind.SOURCE, Kind.DESTINATION, Kind.TRANSFORM):
            for event, (often, shortest, longest) in EVENTS.items():
                if event not in _OF[side]:
                    continue
                number = rng.poisson(often * self.weeks * self.count)
                starts = np.sort(rng.uniform(MONDAY, MONDAY + length, number))
                ends = starts + np.exp(rng.uniform(np.log(shortest), np.log(longest), number))
                self._events[side, event] = starts, ends, rng.integers(0, self.count, number)
        # the API's own hiccups: one poll that fails as a whole, one in which a twentieth goes unanswered
        self._hiccups = set(rng.choice(int(length / self.every), size=max(1, int(3 * self.weeks)), replace=False).tolist())

    def _now(self, side: Kind, event: int, at: float) -> Flags:
        """To whom it happens at some time since the poll before."""
        starts, ends, who = self._events[side, event]
        low = np.searchsorted(starts, at - EVENTS[event][2] - self.every)
        high = np.searchsorted(starts, at, side="right")
        found = np.zeros(self.count, dtype=bool)
        going = (starts[low:high] <= at) & (ends[low:high] > at)
        found[who[low:high][going]] = True
        return found

    def _ended(self, side: Kind, event: int, at: float) -> Flags:
        """To whom it happened, and ended since the poll before."""
        starts, ends, who = self._events[side, event]
        low = np.searchsorted(starts, at - EVENTS[event][2] - self.every)
        high = np.searchsorted(starts, at, side="right")
        found = np.zeros(self.count, dtype=bool)
        over = (ends[low:high] <= at) & (ends[low:high] > at - self.every)
        found[who[low:high][over]] = True
        return found

    def poll(self, at: float) -> ColumnPoll:
        numbers, codes = self._world(at)
        index = round((at - MONDAY) / self.every)
        if index in self._hiccups:
            dark = {kind: (np.ones(len(found), dtype=bool) if index % 2 else self._rng.random(len(found)) < 0.05)
                    for kind, found in self._entities.items()}  # fmt: skip
            for (kind, _), values in numbers.items():
                values[dark[kind]] = np.nan
            codes = {place: (np.where(dark[place[0]], np.nan, values), words) for place, (values, words) in codes.items()}
            return ColumnPoll(at, self._roster, numbers, codes, failures=Failures((ApiError("a hiccup"),)), dark=dark)
        listing = None
        if at - self._listed_at >= LISTING_EVERY:
            self._listed_at = at
            if index == 0:
                everybody = [one for found in self._entities.values() for one in found]
                listing = Listing(everybody, frozenset(kind for kind in REAL_KINDS if kind is not Kind.WATCHDOG))
        return ColumnPoll(at, self._roster, numbers, codes, listing)

    def _world(self, at: float) -> tuple[dict[tuple[Kind, str], Numbers], dict[tuple[Kind, str], tuple[Numbers, tuple[str, ...]]]]:
        rng, count, dt = self._rng, self.count, self.every
        source, sink = SourceStep.quiet(count), SinkStep.quiet(count)
        rate = self._rate * share(self._rhythm, at, self._shift)
        if self._holiday <= at < self._holiday + DAY:
            rate = np.where(self._rests & np.isin(self._rhythm, OFFICE), 0.0, rate)
        batch = self._now(Kind.SOURCE, BATCH, at) & (self._rhythm < 4)
        rate = np.where(batch, rate * 20, rate)
        source.changes = rng.poisson(rate * dt).astype(float)
        source.others = rng.poisson(self._others * dt).astype(float)
        burst = self._now(Kind.SOURCE, BURST, at)
        source.lag = np.where(burst, rng.uniform(30_000, 280_000, count), np.nan)
        source.attached = ~self._now(Kind.SOURCE, FAILOVER, at)
        source.snapshot = self._now(Kind.SOURCE, SNAPSHOT, at)
        source.rows = np.where(source.snapshot, rng.poisson(500 * dt, count), 0).astype(float)
        # a load in batches takes all that waits, once in so many seconds
        due = (self._loads == 0) | (at % np.maximum(self._loads, 1) < dt)
        sink.takes = np.where(due, 1.0, 0.0)
        sink.arrives = rng.poisson(np.minimum(rate, 15) * dt).astype(float)
        for side, step in ((Kind.SOURCE, source), (Kind.DESTINATION, sink)):
            deploy = self._now(side, DEPLOY, at)
            halves = rng.random(count) < 0.5
            step.status = np.where(deploy, np.where(halves, STATUSES.index("Paused"), STATUSES.index("Starting")), 0.0).astype(float)
            step.desired = np.zeros(count)
            task_now = np.where(deploy, TASKS.index("UNASSIGNED"), 0.0)
            task_now = np.where(self._now(side, REBALANCE, at), np.where(halves, TASKS.index("UNASSIGNED"), TASKS.index("RESTARTING")), task_now)
            task_now = np.where(self._now(side, FAILURE, at), TASKS.index("FAILED"), task_now)
            step.task = np.where(self._now(side, RESTART, at), TASKS.index("RESTARTING"), task_now).astype(float)
            for event in (RESTART, DEPLOY, REBALANCE, FAILURE):
                step.restarts |= self._ended(side, event, at)
        source.restarts |= self._begun(at)
        self._sources.step(at, dt, source)
        self._sinks.step(sink)
        numbers = {(Kind.SOURCE, metric): values.copy() for metric, values in self._sources.columns().items()}
        numbers |= {(Kind.DESTINATION, metric): values.copy() for metric, values in self._sinks.columns().items()}
        jobs = np.where(self._now(Kind.TRANSFORM, DEPLOY, at), 2.0, np.where(self._now(Kind.TRANSFORM, RESTART, at), 1.0, 0.0))
        codes: dict[tuple[Kind, str], tuple[Numbers, tuple[str, ...]]] = {
            (Kind.SOURCE, "connector_status"): (source.status, STATUSES),
            (Kind.DESTINATION, "connector_status"): (sink.status, STATUSES),
            (Kind.SOURCE, "desired_state"): (source.desired, STATUSES),
            (Kind.DESTINATION, "desired_state"): (sink.desired, STATUSES),
            (Kind.SOURCE, "snapshotState"): (np.where(source.snapshot, 1.0, 0.0), ("completed", "running")),
            (Kind.TASK, "task_status"): (np.concatenate([source.task, sink.task]), TASKS),
            (Kind.PIPELINE, "status"): (np.zeros(count), ("Active",)),
            (Kind.TRANSFORM, "transform_status"): (jobs, ("RUNNING", "RESTARTING", "DEPLOYING")),
        }
        return numbers, codes

    def _begun(self, at: float) -> Flags:
        """Snapshots that began since the poll before: the task starts anew for them."""
        starts, _, who = self._events[Kind.SOURCE, SNAPSHOT]
        found = np.zeros(self.count, dtype=bool)
        found[who[(starts <= at) & (starts > at - self.every)]] = True
        return found
