"""What judging costs: 10 000 connectors with three tasks each, 50 rules like the starter pack's, 1 % breaching.

Run `.venv/bin/python tests/benchmarks/bench_rules.py`. Columns are built before the clock starts: bench_decode
measures them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.readings.history import History
from watchdog.readings.snapshot import Column, Snapshot
from watchdog.rules.evaluate import Evaluator
from watchdog.rules.expressions import Expression
from watchdog.rules.rule import Quantity, Rule, Terms

METRICS = ("latency", "recordsLag", "task_status", "sourceRecordWriteTotal", "StreamingMilliSecondsBehindSource")
CONNECTORS, TASKS, POLL, RUNS = 10_000, 3, 30.0, 9
PLAIN = "latency > {} and recordsLag > 1000"
STATES = 'task_status == "FAILED"'
WINDOWED = "StreamingMilliSecondsBehindSource > 5m and increase(sourceRecordWriteTotal, 15m) == 0"


def fleet() -> Fleet:
    sources = [
        Entity(EntityKey(Kind.SOURCE, f"c{n}"), {"name": f"prod-{n}", "kind": "source"}) for n in range(CONNECTORS)
    ]
    tasks = [
        Entity(EntityKey(Kind.TASK, f"{source.key.id}/{n}"), {**source.labels, "task": str(n)}, connector=source.key)
        for source in sources
        for n in range(TASKS)
    ]
    return Fleet.of([*sources, *tasks], 0.0, 1)


def snapshot(known: Fleet, at: float, seed: int) -> Snapshot:
    chance = np.random.default_rng(seed)

    def build(kind: Kind, metric: str) -> Column:
        rows = len(known.table(kind))
        if metric == "task_status":
            texts = np.where(chance.random(rows) < 0.01, "FAILED", "RUNNING").astype(object)
            return Column(np.full(rows, np.nan), texts)
        if metric == "sourceRecordWriteTotal":
            return Column(np.arange(rows, dtype=np.float64) + at)
        return Column(np.where(chance.random(rows) < 0.01, 1e6, 10.0))

    made = Snapshot(at, known, build=build, describe=lambda key: [], names=lambda kind: [])
    for kind in (Kind.SOURCE, Kind.TASK):
        for metric in METRICS:
            made.column(kind, metric)
    return made


def rules(text: str, count: int, each: Kind) -> list[Rule]:
    made = []
    for number in range(count):
        params = {"limit": Quantity(300.0 + number, "s")}
        parsed = Expression.parse(text.format(f"{300 + number}s"), each=each, params=params)
        made.append(Rule(f"R{number}", each, parsed, terms=Terms(params=params)))
    return made


def milliseconds(work: Callable[[], object]) -> tuple[float, float]:
    """The median of several runs, and their spread."""
    found = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - begun))
    return statistics.median(found), max(found) - min(found)


def main() -> None:
    known = fleet()
    for what, text, count, each in (
        ("50 threshold rules over 30 000 tasks", PLAIN, 50, Kind.TASK),
        ("51 of them", PLAIN, 51, Kind.TASK),
        ("50 rules of states over 30 000 tasks", STATES, 50, Kind.TASK),
        ("1 rule with a window of 15 m over 10 000 sources", WINDOWED, 1, Kind.SOURCE),
        ("1 rule over the family of 10 000 sources", 'count(tasks, task_status == "FAILED") > 0', 1, Kind.SOURCE),
    ):
        evaluator, history = Evaluator(rules(text, count, each), POLL), History()
        history.want(evaluator.wanted)
        for number in range(40):
            seen = snapshot(known, 1e6 + POLL * number, number)
            history.record(seen)
        median, spread = milliseconds(lambda e=evaluator, s=seen, h=history: e.judge(s, h))  # type: ignore[misc]
        recorded, _ = milliseconds(lambda s=seen, h=history: h.record(s))  # type: ignore[misc]
        print(f"{what}: {median:.2f} ms (spread {spread:.2f}); recording {recorded:.2f} ms")


if __name__ == "__main__":
    main()
