"""A whole cycle: bytes of an answer to saved decisions, against `orjson.loads` of the same bytes in the same process.

Run it: python tests/benchmarks/bench_cycle.py [connectors …]. 50 rules over three tasks of each connector with 20
metrics, 1 % of the entities breaching each rule; ratios are of medians over the runs, the spread is highest minus lowest.
"""

from __future__ import annotations

import cProfile
import gc
import pstats
import statistics
import sys
import tempfile
import time
from pathlib import Path

import orjson
from bench_decode import AT, TASKS, decoded, fleet_of, ids, scalars

from watchdog.app.memory import calm_collector
from watchdog.configuration.files import load_texts
from watchdog.cycle.engine import Engine
from watchdog.cycle.policy import Policy
from watchdog.cycle.saved import Saved
from watchdog.notify.wording import Wording
from watchdog.readings.fleet import REAL_KINDS, Kind
from watchdog.readings.poll import Listing
from watchdog.store.store import Store
from watchdog.streamkap.observed import Darkness, StreamkapPoll

RUNS = 9
RULES = 50
NUMBERS = ("StreamingMilliSecondsBehindSource", "StreamingMilliSecondsSinceLastEvent", "sourceRecordWriteTotal", "byteTotal",
           "recordsLag", "latency", "StreamingTotalNumberOfCreateEventsSeen", "StreamingTotalNumberOfUpdateEventsSeen",
           "StreamingTotalNumberOfDeleteEventsSeen")  # fmt: skip


def policy(rules: int, windows: int = 0) -> Policy:
    """Threshold rules that 1 % of the tasks breach; some of them over a window."""
    lines = ["rules:"]
    for index in range(rules):
        metric = NUMBERS[index % len(NUMBERS)]
        expr = f"{metric} > {990_000 + index}"
        if index < windows:
            expr += f" and delta({metric}, 10m) >= 0"
        lines.append(f"  - {{alert: R{index}, each: task, expr: '{expr}', flapping: off}}")
    lines.append("  - {alert: T, each: task, expr: 'task_status == \"FAILED\"', flapping: off}")
    return load_texts({"r.yaml": "\n".join(lines)}, {})


class Cycle:
    """One engine with its store on a real file, fed the same answer again and again."""

    def __init__(self, connectors: int, rules: Policy, folder: Path, *, save: bool) -> None:
        self.body = scalars(connectors)
        self.known: dict[str, object] = dict.fromkeys(ids(connectors))
        fleet = fleet_of(connectors)
        self.listing: Listing | None = Listing(
            [entity for kind in REAL_KINDS for entity in fleet.table(kind).entities], frozenset(REAL_KINDS)
        )
        self.store = Store.open(f"sqlite:///{folder}/bench.db") if save else None
        self.engine = Engine(rules, Saved(), start=AT, every=30.0, wording=Wording(), name="bench")
        self.at = AT
        everybody = Darkness(known=frozenset(self.known))
        self.dark = dict.fromkeys((Kind.SOURCE, Kind.DESTINATION, Kind.PIPELINE, Kind.TRANSFORM), everybody)

    def run(self) -> None:
        layers = decoded(self.body, self.known)
        layers.at = self.at
        poll = StreamkapPoll(self.at, layers, self.dark, self.listing)
        self.engine.judge(poll, {"polls_missed": 0.0, "cycle_seconds": 0.0, "rules_invalid": 0.0})
        changes = self.engine.take_changes(after_poll=True)
        if self.store is not None:
            self.store.commit(changes, *self.engine.windows())
        self.listing = None
        self.at += 30.0


def measured(connectors: int, rules: Policy, *, save: bool) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        cycle = Cycle(connectors, rules, Path(folder), save=save)
        for _ in range(3):
            cycle.run()
        found = []
        for _ in range(RUNS):
            gc.collect()
            began = time.perf_counter()
            cycle.run()
            found.append(time.perf_counter() - began)
        if cycle.store is not None:
            cycle.store.close()
        return found


def yard(connectors: int) -> float:
    body = scalars(connectors)
    found = []
    for _ in range(RUNS):
        gc.collect()
        began = time.perf_counter()
        kept = orjson.loads(body)
        found.append(time.perf_counter() - began)
        del kept
    return statistics.median(found)


def line(name: str, times: list[float], base: float) -> str:
    middle = statistics.median(times)
    spread = max(times) - min(times)
    return f"  {name:44s} median {middle * 1e3:7.1f} ms  spread {spread * 1e3:6.1f} ms  ratio {middle / base:5.2f}"


def main() -> None:
    calm_collector()  # as `watchdog run` does; the yardstick gains from it too
    sizes = [int(one) for one in sys.argv[1:] if one.isdigit()] or [1_000, 3_000, 10_000]
    for connectors in sizes:
        base = yard(connectors)
        print(f"{connectors:,} connectors, {connectors * TASKS * 20:,} readings; orjson.loads {base * 1e3:.1f} ms")
        print(line(f"decode, columns, {RULES} rules, states", measured(connectors, policy(RULES), save=False), base))
        one_more = measured(connectors, policy(RULES + 1), save=False)
        print(line("one rule more", one_more, base))
        print(line("with saving, 5 of the rules with windows", measured(connectors, policy(RULES, 5), save=True), base))
    if "profile" in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            cycle = Cycle(sizes[-1], policy(RULES, 5), Path(folder), save=True)
            for _ in range(3):
                cycle.run()
            profile = cProfile.Profile()
            profile.runcall(cycle.run)
            pstats.Stats(profile).sort_stats("cumulative").print_stats(35)



if __name__ == "__main__":
    main()
