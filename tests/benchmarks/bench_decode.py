"""How long an answer takes from bytes to the columns that rules name, against `orjson.loads` of the same bytes.

Run it: python tests/benchmarks/bench_decode.py [connectors]. It prints ratios; no test fails on a time.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable

import orjson

from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.readings.snapshot import Snapshot
from watchdog.streamkap.decode import Layer, Layers, newest_readings
from watchdog.streamkap.plain import MetricsReader
from watchdog.streamkap.shapes import Found, Group, recognise
from watchdog.streamkap.wire import Answer

RUNS = 9
READER = MetricsReader()
TASKS = 3
AT = 1_924_938_000.0
METRICS = (
    "StreamingMilliSecondsBehindSource", "StreamingMilliSecondsSinceLastEvent", "StreamingConnected", "sourceRecordWriteTotal",
    "byteTotal", "recordsLag", "latency", "recordRetryTotal", "task_status", "StreamingTotalNumberOfCreateEventsSeen",
    "StreamingTotalNumberOfUpdateEventsSeen", "StreamingTotalNumberOfDeleteEventsSeen", "SnapshotTotalNumberOfEventsSeen",
    "SnapshotMilliSecondsSinceLastEvent", "SnapshotRunning", "SnapshotCompleted", "recordSendTotal", "sourceRecordPollRate",
    "sourceRecordActiveCount", "state",
)  # fmt: skip
NAMED = METRICS[:10]


def value(name: str, number: int) -> object:
    if name == "task_status":
        return "FAILED" if number % 100 == 0 else "RUNNING"
    if name == "state":
        return "Streaming"
    if name == "recordRetryTotal" and number % 3:
        return None
    if name in ("StreamingConnected", "SnapshotRunning", "SnapshotCompleted"):
        return number % 2
    if name == "sourceRecordPollRate":
        return number / 7
    return number * 1009 % 1_000_003


def ids(connectors: int) -> list[str]:
    return [f"{0x66A0 << 80 | number:024x}" for number in range(connectors)]


def scalars(connectors: int) -> bytes:
    tasks = {
        id: {str(t): {m: value(m, n * TASKS + t) for m in METRICS} for t in range(TASKS)} for n, id in enumerate(ids(connectors))
    }
    return orjson.dumps(grouped(tasks))


def series(connectors: int) -> bytes:
    def entry(name: str, number: int) -> list[dict[str, object]]:
        return [{"timestamp": "2030-12-31 08:59:50", "value": value(name, number)}]

    tasks = {
        id: {str(t): {m: entry(m, n * TASKS + t) for m in METRICS} for t in range(TASKS)} for n, id in enumerate(ids(connectors))
    }
    return orjson.dumps(grouped(tasks))


def grouped(tasks: object) -> dict[str, object]:
    rest = ("account_metrics", "connector_metrics", "inline_metrics", "topic_metrics")
    return {**{group: {} for group in rest}, "task_metrics": tasks}


def fleet_of(connectors: int) -> Fleet:
    entities = []
    for id in ids(connectors):
        key = EntityKey(Kind.SOURCE, id)
        entities.append(Entity(key, {"name": id}))
        entities += [Entity(EntityKey(Kind.TASK, f"{id}/{t}"), {"name": id, "task": str(t)}, key) for t in range(TASKS)]
    fleet = Fleet.of(entities, AT)
    for kind in (Kind.SOURCE, Kind.TASK):
        _ = fleet.table(kind).ids
    return fleet


def decoded(body: bytes, known: dict[str, object]) -> Layers:
    found = Found()
    recognise(READER.read("bench", Answer(200, {}, body)), known, found)
    return Layers(AT, {Kind.SOURCE: [Layer({}, blocks=found.blocks[Group.ENTITY])], Kind.TASK: [Layer({}, blocks=found.blocks[Group.TASK])]})


def columns(layers: Layers, fleet: Fleet) -> Snapshot:
    snapshot = layers.snapshot(fleet, {})
    for name in NAMED:
        snapshot.column(Kind.TASK, name)
    return snapshot


def timed(action: Callable[[], object]) -> list[float]:
    found = []
    for _ in range(RUNS):
        gc.collect()
        start = time.perf_counter()
        kept = action()
        found.append(time.perf_counter() - start)
        del kept
    return found


def line(name: str, times: list[float], yard: float) -> str:
    low, middle, high = min(times), statistics.median(times), max(times)
    return (f"{name:44s} min {low * 1e3:7.1f} ms  median {middle * 1e3:7.1f} ms  spread {(high - low) * 1e3:6.1f} ms"
            f"  ratio {middle / yard:5.2f}")  # fmt: skip


def main() -> None:
    connectors = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    fleet = fleet_of(connectors)
    known: dict[str, object] = dict.fromkeys(ids(connectors))
    for shape, made in (("scalars", scalars), ("timeseries of one entry", series)):
        body = made(connectors)
        print(f"\n{shape}: {connectors * TASKS * len(METRICS):,} readings, {len(body) / 1e6:.1f} MB")
        yard = timed(lambda body=body: orjson.loads(body))
        middle = statistics.median(yard)
        print(line("orjson.loads", yard, middle))
        print(line("decode", timed(lambda body=body: decoded(body, known)), middle))
        whole = timed(lambda body=body: columns(decoded(body, known), fleet))
        print(line(f"decode + {len(NAMED)} columns of {connectors * TASKS:,} rows", whole, middle))
        layers = decoded(body, known)
        print(line("newest reading of every row", timed(lambda layers=layers: newest_readings(layers, fleet, Kind.TASK)), middle))


if __name__ == "__main__":
    main()
