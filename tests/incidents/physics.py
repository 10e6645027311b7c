"""How readings of sources and destinations follow from what happens to them, many at once, step by step.

The physics is that of Debezium 3.6 as it was measured (docs/metrics.md): a lag that freezes while nothing comes, counters
that begin again with every task, attributes that vanish with the connection, heartbeats that only write counters see.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: States in the order of their codes.
STATUSES = ("Active", "Broken", "Paused", "Stopped", "Starting", "Unassigned", "Pending Update", "Unknown")
TASKS = ("RUNNING", "FAILED", "PAUSED", "RESTARTING", "UNASSIGNED", "STOPPED", "DESTROYED", "")
ACTIVE, RUNNING = 0.0, 0.0
NOTHING = np.nan
#: Attributes of the streaming MBean: gone while the connection is.
STREAMING = (
    "StreamingConnected", "StreamingMilliSecondsBehindSource", "StreamingMilliSecondsSinceLastEvent",
    "StreamingTotalNumberOfEventsSeen", "StreamingTotalNumberOfCreateEventsSeen",
    "StreamingTotalNumberOfUpdateEventsSeen", "StreamingTotalNumberOfDeleteEventsSeen",
    "StreamingNumberOfEventsFiltered", "StreamingNumberOfCommittedTransactions",
)  # fmt: skip
#: Those that the API's documentation does not name: some accounts may not have them.
UNDOCUMENTED = (
    "StreamingTotalNumberOfEventsSeen", "StreamingNumberOfEventsFiltered", "StreamingNumberOfCommittedTransactions",
)  # fmt: skip
SNAPSHOT = ("SnapshotRunning", "SnapshotCompleted", "SnapshotTotalNumberOfEventsSeen", "SnapshotRemainingTableCount")


@dataclass(frozen=True)
class Traits:
    """What a source is like; one value each per source.

    `debezium`: it has streaming attributes at all. `undocumented`: also those the API's documentation does not name.
    `counted`: its write counter counts heartbeats. `kept`: attributes that are gone keep their last value at the API.
    `beats`: heartbeats a minute. `deletes`: share of changes that write two records.
    """

    debezium: Flags
    undocumented: Flags
    counted: Flags
    kept: Flags
    beats: Numbers
    deletes: Numbers

    def __len__(self) -> int:
        return len(self.debezium)


@dataclass
class SourceStep:
    """What happens to each source between two polls.

    `changes` are those of captured tables that the database commits, `others` those of tables that are only in the
    publication. `reads`, `writes`: the shares that get through. `lag`: milliseconds behind where that is not what follows
    from the backlog (NaN). `attached`: the connection to the database stands. `restarts`: the task began anew.
    """

    changes: Numbers
    others: Numbers
    reads: Numbers
    writes: Numbers
    heart: Numbers
    attached: Flags
    lag: Numbers
    restarts: Flags
    snapshot: Flags
    rows: Numbers
    status: Numbers
    desired: Numbers
    task: Numbers
    answered: Flags

    @classmethod
    def quiet(cls, count: int) -> SourceStep:
        """Nothing happens, and nothing is wrong."""
        def full(value: float) -> Numbers:
            return np.full(count, value)

        def flags(value: bool) -> Flags:
            return np.full(count, value)

        return cls(full(0), full(0), full(1), full(1), full(1), flags(True), full(np.nan), flags(False), flags(False),
                   full(0), full(ACTIVE), full(ACTIVE), full(RUNNING), flags(True))  # fmt: skip


class Sources:
    """The state of many sources; `step` moves it on, `columns` are what the API answers then."""

    def __init__(self, traits: Traits, rng: np.random.Generator) -> None:
        count = len(traits)
        self._traits, self._rng = traits, rng
        zeros = np.zeros(count)
        self._seen, self._filtered, self._committed, self._written = (zeros.copy() for _ in range(4))
        self._rows, self._tables = zeros.copy(), zeros.copy()
        self._behind, self._last = np.full(count, NOTHING), np.full(count, NOTHING)
        self._waiting, self._waits = zeros.copy(), np.full(count, NOTHING)
        self._ran = np.zeros(count, dtype=np.bool_)
        self._answers: dict[str, Numbers] = {}

    def step(self, at: float, dt: float, now: SourceStep) -> None:
        traits, rng = self._traits, self._rng
        fresh = now.restarts
        for counter in (self._seen, self._filtered, self._committed, self._written, self._rows):
            counter[fresh] = 0
        self._behind[fresh] = self._last[fresh] = NOTHING
        runs = (now.status == ACTIVE) & (now.task == RUNNING)
        live = runs & now.attached
        streams = live & ~now.snapshot
        # a connection that comes back begins with attributes of its own, and no lag until something comes
        again = streams & ~self._ran & ~fresh
        for counter in (self._seen, self._filtered, self._committed):
            counter[again] = 0
        self._behind[again] = self._last[again] = NOTHING
        self._ran = streams
        came = self._waiting + now.changes
        read = np.where(streams, np.floor(came * now.reads), 0)
        held = np.isnan(self._waits) & (read < came)
        waited = np.where(np.isnan(self._waits), 0, at - self._waits)
        self._waits = np.where(read >= came, NOTHING, np.where(held, at, self._waits))
        # what is never read is forgotten: a wedged source does not find all of it again here
        self._waiting = np.minimum(came - read, 1e9)
        passed = np.where(streams, np.floor(now.others * np.minimum(now.reads * 1e9, 1)), 0)
        self._seen += read + passed
        self._filtered += passed
        self._committed += np.ceil(read / 3)
        wrote = np.floor(read * now.writes * (1 + traits.deletes))
        beat = np.where(runs & traits.counted & (now.heart > 0), np.floor(traits.beats * dt / 60), 0)
        rows = np.where(now.snapshot & live, now.rows, 0)
        self._rows += rows
        self._written += wrote + beat + rows
        usual = rng.uniform(100, 900, len(traits)) + np.maximum(0, waited - dt) * 1000
        lag = np.where(np.isnan(now.lag), usual, now.lag)
        self._behind = np.where(read > 0, lag, self._behind)
        arrived = (read + passed) > 0
        gap = rng.uniform(0, 1, len(traits)) * np.minimum(dt, 60 * dt / np.maximum(read + passed, 1))
        self._last = np.where(arrived, at - gap, self._last)
        self._answer(at, now, runs, live)

    def _answer(self, at: float, now: SourceStep, runs: Flags, live: Flags) -> None:
        traits = self._traits
        fresh: dict[str, Numbers] = {
            "StreamingConnected": np.where(now.snapshot, 0.0, 1.0),
            "StreamingMilliSecondsBehindSource": np.round(self._behind),
            "StreamingMilliSecondsSinceLastEvent": np.round((at - self._last) * 1000),
            "StreamingTotalNumberOfEventsSeen": self._seen.copy(),
            "StreamingTotalNumberOfCreateEventsSeen": np.ceil(self._seen * 0.5),
            "StreamingTotalNumberOfUpdateEventsSeen": np.floor(self._seen * 0.5),
            "StreamingTotalNumberOfDeleteEventsSeen": np.floor(self._seen * 0.0),
            "StreamingNumberOfEventsFiltered": self._filtered.copy(),
            "StreamingNumberOfCommittedTransactions": self._committed.copy(),
            "SnapshotRunning": np.where(now.snapshot, 1.0, 0.0),
            "SnapshotCompleted": np.zeros(len(traits)),  # false after a restart too: no failure
            "SnapshotTotalNumberOfEventsSeen": self._rows.copy(),
            "SnapshotRemainingTableCount": np.where(now.snapshot, 3.0, 0.0),
            "sourceRecordWriteTotal": self._written.copy(),
        }
        for metric, values in fresh.items():
            there = runs if metric == "sourceRecordWriteTotal" else live & traits.debezium
            if metric in UNDOCUMENTED:
                there = there & traits.undocumented
            before = self._answers.get(metric, np.full(len(traits), NOTHING))
            fresh[metric] = np.where(there, values, np.where(traits.kept, before, NOTHING))
        self._answers = fresh

    def columns(self) -> dict[str, Numbers]:
        return self._answers


@dataclass
class SinkStep:
    """What happens to each destination between two polls. `takes`: the share of waiting records it delivers."""

    arrives: Numbers
    takes: Numbers
    letters: Numbers
    restarts: Flags
    status: Numbers
    desired: Numbers
    task: Numbers
    answered: Flags

    @classmethod
    def quiet(cls, count: int) -> SinkStep:
        return cls(np.zeros(count), np.ones(count), np.zeros(count), np.zeros(count, dtype=np.bool_),
                   np.full(count, ACTIVE), np.full(count, ACTIVE), np.full(count, RUNNING),
                   np.ones(count, dtype=np.bool_))  # fmt: skip


@dataclass
class Sinks:
    """The state of many destinations. `kept` as of sources; `rest` records always look as if they waited."""

    kept: Flags
    rest: Numbers
    lag: Numbers = field(init=False)
    _sent: Numbers = field(init=False)
    _read: Numbers = field(init=False)
    _letters: Numbers = field(init=False)
    _answers: dict[str, Numbers] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.kept)
        self.lag, self._sent, self._read, self._letters = (np.zeros(count) for _ in range(4))

    def step(self, now: SinkStep) -> None:
        for counter in (self._sent, self._read, self._letters):
            counter[now.restarts] = 0
        runs = (now.status == ACTIVE) & (now.task == RUNNING)
        waiting = self.lag + now.arrives
        done = np.where(runs, np.floor(waiting * now.takes), 0)
        aside = np.where(runs, np.minimum(now.letters, done), 0)
        self.lag = waiting - done
        self._sent += done - aside
        self._read += done
        self._letters += aside
        fresh = {
            "recordsLag": self.lag + self.rest,
            "recordSendTotal": self._sent.copy(),
            "sinkRecordReadTotal": self._read.copy(),
            "deadletterqueueProduceRequests": self._letters.copy(),
        }
        for metric, values in fresh.items():
            there = runs | (metric == "recordsLag")  # what waits is known from the brokers, not from the task
            before = self._answers.get(metric, np.full(len(runs), NOTHING))
            fresh[metric] = np.where(there, values, np.where(self.kept, before, NOTHING))
        self._answers = fresh

    def columns(self) -> dict[str, Numbers]:
        return self._answers
