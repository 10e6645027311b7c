"""What saving costs: commits of a big fleet's cycle, and of a quiet one, on a SQLite file and in memory.

Printed beside `orjson.loads` of the API's answer for 600 000 readings: a whole cycle, saved, may take three times that.
Run with `python tests/benchmarks/bench_store.py [postgresql://…]`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import orjson

from watchdog.alerts.episodes import Episode, Facts, Note
from watchdog.alerts.lifecycle import AlertKey, AlertState, Phase
from watchdog.cycle.state import Changes
from watchdog.notify.ledger import Entry
from watchdog.notify.message import MessageKind
from watchdog.notify.pending import Item, Part, PendingNotification
from watchdog.notify.routes import GroupKey
from watchdog.readings.fleet import Kind
from watchdog.readings.packing import RowIds, Saved
from watchdog.rules.rule import Quantity
from watchdog.store.store import Store

MANY = 5_000
GROUP = GroupKey("team", (("alertname", "SourceLagHigh"),))


def yardstick() -> float:
    """Seconds `orjson.loads` takes for 10 000 connectors × 3 tasks × 20 metrics."""
    metrics = {f"someMetricNumber{n}": n * 12345 for n in range(20)}
    tasks = {str(task): metrics for task in range(3)}
    text = orjson.dumps({f"64f0c0ffee{n:014d}": {"task_metrics": tasks} for n in range(10_000)})
    return timed(lambda: orjson.loads(text), 3)


def timed(act: Callable[[], object], times: int = 9) -> float:
    """The median of some runs, in seconds."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        found.append(time.perf_counter() - began)
    return median(found)


def burst(at: float) -> Changes:
    """5 000 alerts begin at once: states, episodes, the ledger, a duty and the story."""
    keys = [AlertKey(f"Rule{n % 50}", Kind.SOURCE, f"64f0c0ffee{n:014d}") for n in range(MANY)]
    facts = Facts({"name": "prod-orders", "tags": ("a", "b"), "alertname": "SourceLagHigh", "severity": "critical"},
                  "prod-orders", "StreamingMilliSecondsBehindSource is 12m4s (> 5m)", Quantity(724000.0, "ms"),
                  Quantity(300000.0, "ms"), "StreamingMilliSecondsBehindSource")  # fmt: skip
    ids = [f"{at}-{n}" for n in range(MANY)]
    items = tuple(Item(id_, Part.BEGIN) for id_ in ids)
    return Changes(
        alerts=states(at).alerts,
        episodes={id_: Episode(id_, key, at, at, facts) for id_, key in zip(ids, keys, strict=True)},
        entries={(id_, "t-1"): Entry(id_, "t-1", GROUP) for id_ in ids},
        notifications={int(at): PendingNotification(int(at), "t-1", "team", GROUP, MessageKind.FIRING, items, at, at)},
        notes=[Note(at, key, id_, "began", facts.reason) for id_, key in zip(ids, keys, strict=True)],
    )


def states(at: float) -> Changes:
    keys = (AlertKey(f"Rule{n % 50}", Kind.SOURCE, f"64f0c0ffee{n:014d}") for n in range(MANY))
    return Changes(alerts={key: AlertState(Phase.FIRING, at, at, changes=(at,)) for key in keys})


def measure(name: str, store: Store, unit: float) -> None:
    clock = iter(range(1, 10**6))
    roster = RowIds.of(Kind.TASK, [f"64f0c0ffee{n:014d}/0" for n in range(30_000)])

    def windows() -> None:
        at = float(next(clock))
        pieces = [Saved(Kind.TASK, f"m{n}", at, roster.id, bytes(240_000)) for n in range(10)]
        store.commit(Changes(documents={"cycle": "{}"}), pieces, [roster])

    def commits(make: Callable[[float], Changes], times: int) -> float:
        """Deciding is not counted, only writing."""
        made = iter([make(float(next(clock))) for _ in range(times)])
        return timed(lambda: store.commit(next(made)), times)

    quiet = Changes(documents={"cycle": '{"at": 1.0}'})
    costs = [
        ("a quiet cycle", timed(lambda: store.commit(quiet), 50)),
        (f"{MANY} changed states", commits(states, 9)),
        ("10 windows of 240 kB", timed(windows)),
        (f"{MANY} alerts begin", commits(burst, 3)),
        ("load all of it", timed(store.load, 3)),
        ("changes_seen", timed(store.changes_seen, 50)),
    ]
    for what, seconds in costs:
        print(f"{name:<12} {what:<22} {seconds * 1000:9.2f} ms   {seconds / unit:6.3f} × orjson.loads")
    store.close()


def main() -> None:
    unit = yardstick()
    print(f"orjson.loads of 600 000 readings: {unit * 1000:.0f} ms")
    began = time.perf_counter()
    Store.in_memory().close()
    print(f"open, in memory: {(time.perf_counter() - began) * 1000:.1f} ms")
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite file", Store.open(f"sqlite:///{Path(folder) / 'bench.db'}"), unit)
    measure("in memory", Store.in_memory(), unit)
    for url in sys.argv[1:]:
        measure("PostgreSQL", Store.open(url), unit)


if __name__ == "__main__":
    main()
