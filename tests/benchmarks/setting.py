"""The setting of the numbers (product page, section 12): a fleet, what Streamkap's API answers about it, and rules.

Half of the connectors are sources, half destinations. Each has three tasks with 20 metrics; 1 % of the readings of each
metric that rules look at breach. Beside these readings each connector has its state, as in Streamkap's own answers: a
connector without one would make the watchdog list it at every poll. Answers come in chunks of 500 connectors, because
that is how the watchdog asks.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import numpy as np
import orjson

from watchdog.configuration.files import load_texts
from watchdog.cycle.engine import Engine
from watchdog.cycle.policy import Policy
from watchdog.cycle.state import Changes, Saved
from watchdog.notify.rendering import Wording
from watchdog.readings.fleet import Fleet, Kind
from watchdog.readings.snapshot import Column, Snapshot
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.poll import Poller, StreamkapPoll
from watchdog.streamkap.signin import Credentials

CONNECTORS, TASKS = 10_000, 3
START, EVERY = 1_924_938_000.0, 30.0
CHUNK, PAGE = 500, 100
METRICS = (
    "StreamingMilliSecondsBehindSource", "StreamingMilliSecondsSinceLastEvent", "StreamingConnected", "sourceRecordWriteTotal",
    "byteTotal", "recordsLag", "latency", "recordRetryTotal", "task_status", "StreamingTotalNumberOfCreateEventsSeen",
    "StreamingTotalNumberOfUpdateEventsSeen", "StreamingTotalNumberOfDeleteEventsSeen", "SnapshotTotalNumberOfEventsSeen",
    "SnapshotMilliSecondsSinceLastEvent", "SnapshotRunning", "SnapshotCompleted", "recordSendTotal", "sourceRecordPollRate",
    "sourceRecordActiveCount", "state",
)  # fmt: skip
_BEHIND, _LAG = "StreamingMilliSecondsBehindSource", "recordsLag"
#: Rules of the starter pack's kinds, by their `each`; `{n}` makes each rule one of its own.
_KINDS = (
    ("task", 'task_status == "FAILED" and byteTotal >= {n}'),
    ("task", f"{_BEHIND} > 5m + {{n}} * 1s and coalesce(StreamingMilliSecondsSinceLastEvent, 0) < 10m"),
    ("task", f"delta({_BEHIND}, 30m) > 10m + {{n}} * 1s and {_BEHIND} > 2m"),
    ("task", f"{_LAG} > 10000 + {{n}}"),
    ("task", f"delta({_LAG}, 30m) > 5000 + {{n}} and min_over_time({_LAG}, 10m) > 1000"),
    ("task", 'connector.connector_status == "Active" and increase(sourceRecordWriteTotal, 15m) == 0 '
             "and increase(StreamingTotalNumberOfCreateEventsSeen, 15m) > {n}"),
    ("task", 'StreamingConnected == 0 and connector.connector_status == "Active" and byteTotal >= {n}'),
    ("task", "latency > 900000 + {n}"),
    ("source", 'connector_status == "Active" and count(tasks, task_status == "FAILED" and byteTotal >= {n}) > 0'),
    ("destination", f"sum(tasks, {_LAG}) > 10000 + {{n}}"),
    ("connector", 'connector_status == "Broken" and reading_age < 1h + {n} * 1s'),
    ("connector", 'reading_age > 15m + {n} * 1s and coalesce(connector_status, "unknown") not in ["Paused", "Stopped"]'),
)  # fmt: skip
_WINDOWED = (_BEHIND, _LAG, "sourceRecordWriteTotal", "StreamingTotalNumberOfCreateEventsSeen")
TOLD = "receivers: {team: {to: ['json://127.0.0.1/']}}\nroutes: [{to: [team]}]\n"
#: Polls that fill the longest window of these rules, half an hour.
FILLED = 62
FIRST = START - (FILLED + 1) * EVERY


def rules(count: int, *, windows: bool = True, further: int = 0) -> Policy:
    """`count` rules, and `further` plain thresholds; whoever is to be told has one target."""
    return load_texts({"bench.yaml": policy_text(count, windows=windows, further=further)}, {})


def policy_text(count: int, *, windows: bool = True, further: int = 0, told: bool = True) -> str:
    """The same as a rule file; without a receiver where nobody is to be notified."""
    kinds = [kind for kind in _KINDS if windows or not any(over in kind[1] for over in ("delta(", "increase("))]
    made = [(*kinds[number % len(kinds)], number // len(kinds)) for number in range(count)]
    made += [("task", "latency > 950000 + {n}", number) for number in range(further)]
    lines = [f"- {{alert: R{place}, each: {each}, expr: {orjson.dumps(expr.format(n=number)).decode()}}}"
             for place, (each, expr, number) in enumerate(made)]  # fmt: skip
    return (TOLD if told else "") + "rules:\n  " + "\n  ".join(lines)


def value(metric: str, task: int, poll: int) -> object:
    """What one task answers at one poll."""
    breaches = (task + zlib.crc32(metric.encode())) % 100 == 0
    if metric == "task_status":
        return "FAILED" if breaches else "RUNNING"
    if metric == "state":
        return "Streaming"
    if metric == "StreamingConnected":
        return 0 if breaches else 1
    if metric in ("SnapshotRunning", "SnapshotCompleted"):
        return task % 2
    if metric == "recordRetryTotal" and task % 3:
        return None
    if metric == "sourceRecordPollRate":
        return task / 7
    if metric == _BEHIND:
        return 400_000 + 30_000 * poll if breaches else task % 1000
    if metric == _LAG:
        return 20_000 + 200 * poll if breaches else task % 400
    if metric == "latency":
        return 1_000_000 if breaches else task * 1009 % 800_000
    if metric == "sourceRecordWriteTotal" and breaches:
        return 1000 + task
    return 1000 + task + 53 * poll if metric.endswith(("Total", "Seen")) else task % 5000


def ids(connectors: int) -> list[str]:
    return [f"{0x66A0 << 80 | number:024x}" for number in range(connectors)]


class Api(httpx.BaseTransport):
    """Streamkap's API for one fleet, in this process; `bodies` are the metrics answers of the current poll.

    From poll to poll that part of the tasks changes: half of it as at this poll, the other half back to what all others
    answer, which is as at poll 0.
    """

    def __init__(self, connectors: int = CONNECTORS, *, changed: float = 1.0) -> None:
        known = ids(connectors)
        self.changed = changed
        self.number = {id: number for number, id in enumerate(known)}
        self.kinds = {"sources": known[: connectors // 2], "destinations": known[connectors // 2 :]}
        self.bodies: dict[tuple[str, str], bytes] = {}
        self.turn(0)

    def turn(self, poll: int) -> None:
        """Answer as of this poll from now on."""
        self.bodies = {(kind, chunk[0]): orjson.dumps(self.answer(chunk, poll))
                       for kind, of in self.kinds.items() for chunk in _chunks(of, CHUNK)}  # fmt: skip

    def answer(self, chunk: list[str], poll: int) -> dict[str, Any]:
        return {
            "account_metrics": {},
            "connector_metrics": {},
            "inline_metrics": {id: {"connector_status": "Broken" if self.number[id] % 100 == 0 else "Active"} for id in chunk},
            "task_metrics": {id: {str(task): self.task(self.number[id] * TASKS + task, poll) for task in range(TASKS)} for id in chunk},
            "topic_metrics": {},
        }  # fmt: skip

    def task(self, task: int, poll: int) -> Mapping[str, object]:
        if self.changed < 1.0 and (task + poll) % round(2 / self.changed):
            poll = 0
        return {metric: value(metric, task, poll) for metric in METRICS}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        first, *rest = request.url.path.strip("/").split("/")
        if first == "auth":
            return httpx.Response(200, content=b'{"accessToken": "bench", "expiresIn": 1000000}')
        if rest == ["metrics"]:
            return httpx.Response(200, stream=_Once(self.bodies[first, orjson.loads(request.read())["ids"][0]]))
        return httpx.Response(200, content=orjson.dumps(self.page(first, int(request.url.params.get("page", "1")))))

    def page(self, kind: str, number: int) -> dict[str, object]:
        listed = self.kinds.get(kind, [])
        part = listed[(number - 1) * PAGE : number * PAGE]
        rows = [{"id": id, "name": f"prod-{self.number[id]}", "connector": "postgresql", "tasks": list(range(TASKS)), "tags": [],
                 "topic_ids": [], "tenant_id": "t", "connector_status": "Active"} for id in part]  # fmt: skip
        return {"result": rows, "total": len(listed), "page": number, "page_size": PAGE, "has_next": number * PAGE < len(listed)}

    def poller(self) -> Poller:
        """The product's own poller, asking this API; it lists once."""
        client = StreamkapClient("https://bench.example", Credentials("bench", "bench"), transport=self)
        return Poller(client, listing_every=1e9)


class _Once(httpx.SyncByteStream):
    """An answer as it comes from a socket: who has read it is the only one to hold it."""

    def __init__(self, body: bytes) -> None:
        self._parts = [body]

    def __iter__(self) -> Iterator[bytes]:
        while self._parts:
            yield self._parts.pop()


class Watch:
    """The product on this API: its poller and engine, poll after poll, with windows that have long been filled."""

    def __init__(self, api: Api, policy: Policy, *, filled: bool = True) -> None:
        self.api, self.polls = api, 0
        self.poller = api.poller()
        self.engine = Engine(policy, Saved(), start=FIRST, every=EVERY, wording=Wording(), name="bench")
        self.judge(self.poller.poll(FIRST))
        for poll in range(-FILLED if filled else 0, 0):
            self.engine.history.record(_past(self.engine.presence.fleet, poll))

    @property
    def at(self) -> float:
        return START + self.polls * EVERY

    def poll(self) -> StreamkapPoll:
        """The next one, of what the API answers then."""
        self.polls += 1
        self.api.turn(self.polls)
        return self.poller.poll(self.at)

    def judge(self, poll: StreamkapPoll) -> Changes:
        """What there is to be saved after a poll."""
        if poll.failures:
            raise SystemExit(f"the benchmark's API failed: {poll.failures}")
        self.engine.judge(poll, {"polls_missed": 0.0, "cycle_seconds": 0.0, "rules_invalid": 0.0})
        return self.engine.take_changes(after_poll=True)

    def deliver(self, now: float) -> int:
        """Everything that is due is sent and accepted; how many messages that were."""
        sent = 0
        self.engine.tick(now)
        for target in self.engine.waiting_targets():
            while (sending := self.engine.claim(target, now)) is not None:
                self.engine.accepted(sending, now)
                sent += 1
        return sent


def _past(fleet: Fleet, poll: int) -> Snapshot:
    """What tasks had answered before the benchmark began, of the metrics that windows look at."""

    def build(kind: Kind, metric: str) -> Column:
        rows = len(fleet.table(kind))
        if kind is not Kind.TASK or metric not in _WINDOWED:
            return Column(np.full(rows, np.nan))
        return Column(np.array([value(metric, task, poll) for task in range(rows)], dtype=np.float64))

    return Snapshot(START + poll * EVERY, fleet, build=build, describe=lambda key: [], names=lambda kind: [])


def _chunks(of: list[str], size: int) -> Iterator[list[str]]:
    return (of[start : start + size] for start in range(0, len(of), size))
