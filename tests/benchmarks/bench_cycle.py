"""What a cycle takes, as ratios to `orjson.loads` of the same bytes in the same process and the same run.

Run it: python tests/benchmarks/bench_cycle.py [connectors …] [cpu]. setting.py says what is measured. In each
run the yardstick and then each way to go on from the same bytes is timed; printed are medians, the spread (highest minus
lowest), and the median of the runs' own ratios. No test fails on a time. With `cpu` the processor's time is taken, all
threads together, instead of the clock's: that is what to look at on a machine that has other things to do.
"""

from __future__ import annotations

import copy
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson
from setting import CONNECTORS, EVERY, FIRST, METRICS, TASKS, TOLD, Api, Watch, rules

from watchdog.app.memory import calm_collector, one_heap
from watchdog.configuration.files import load_texts
from watchdog.readings.fleet import Kind
from watchdog.rules.evaluator import Evaluator
from watchdog.store.store import Store
from watchdog.streamkap.answer_delta import DeltaReader
from watchdog.streamkap.decode import LastTexts, Layer, Layers
from watchdog.streamkap.metrics_answer import Found, Group
from watchdog.streamkap.shapes import recognise
from watchdog.streamkap.wire import Answer

RUNS, WARM, RULES, FURTHER = 9, 4, 50, 20
Times = dict[str, list[float]]
CLOCK = time.process_time if "cpu" in sys.argv else time.perf_counter


def timed(what: Callable[[], object]) -> float:
    """Seconds; what is made is let go afterwards."""
    gc.collect()
    began = CLOCK()
    made = what()
    took = CLOCK() - began
    del made
    return took


def yardstick(bodies: Mapping[tuple[str, str], bytes]) -> float:
    """All answers of a poll decoded and held together; letting them go is not counted."""
    return timed(lambda: [orjson.loads(body) for body in bodies.values()])


class Verdicts:
    """From bytes to verdicts and nothing else: decoding, columns, windows, 50 rules."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.texts: dict[tuple[str, Group], LastTexts] = {}
        self.readers = {kind: DeltaReader() for kind in watch.api.kinds}
        self.evaluator = Evaluator(watch.engine.policy.rules, EVERY)
        self.history = copy.deepcopy(watch.engine.history)  # windows as full as the engine's

    def run(self) -> object:
        found = {kind: Found() for kind in self.readers}
        for (kind, first), body in self.watch.api.bodies.items():
            answer = self.readers[kind].read("bench", Answer(200, {}, body), first)
            recognise(answer, self.watch.api.number, found[kind])
        layers = Layers(self.watch.at, {
            Kind.SOURCE: [self.layer("sources", found, Group.INLINE)],
            Kind.DESTINATION: [self.layer("destinations", found, Group.INLINE)],
            Kind.TASK: [self.layer(kind, found, Group.TASK) for kind in found],
        })  # fmt: skip
        snapshot = layers.snapshot(self.watch.engine.presence.fleet, {})
        self.history.record(snapshot)
        return self.evaluator.judge(snapshot, self.history)

    def layer(self, kind: str, found: Mapping[str, Found], group: Group) -> Layer:
        one, texts = found[kind], self.texts.setdefault((kind, group), LastTexts())
        return Layer(one.groups[group], blocks=one.blocks[group], texts=texts)


def measure(connectors: int, changed: float = 1.0) -> tuple[Times, Watch]:
    """Each run is one poll further, with that part of the tasks changed: the same bytes through each of the ways."""
    api = Api(connectors, changed=changed)
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{Path(folder) / 'bench.db'}")
        saved, unsaved = Watch(api, rules(RULES)), Watch(api, rules(RULES))
        verdicts = Verdicts(saved)
        store.commit(saved.engine.take_changes(after_poll=True), *saved.engine.windows())
        found: Times = {name: [] for name in ("orjson.loads", "verdicts", "cycle", "saved cycle", "saving alone")}
        for run in range(WARM + RUNS):
            for watch in (saved, unsaved):
                watch.polls = run + 1
            api.turn(run + 1)
            times = {"orjson.loads": yardstick(api.bodies), "verdicts": timed(verdicts.run)}
            times["cycle"] = timed(lambda: unsaved.judge(unsaved.poller.poll(unsaved.at)))
            gc.collect()
            began = CLOCK()
            changes = saved.judge(saved.poller.poll(saved.at))
            decided = CLOCK()
            store.commit(changes, *saved.engine.windows())
            times |= {"saving alone": CLOCK() - decided, "saved cycle": CLOCK() - began}
            for watch in (saved, unsaved):
                watch.deliver(watch.at + EVERY - 1)
            store.commit(saved.engine.take_changes())
            if run >= WARM:
                for name, seconds in times.items():
                    found[name].append(seconds)
        store.close()
    return found, saved


def further_rule(watch: Watch) -> float:
    """Seconds that one more plain threshold adds to judging and to the alerts' steps, over the whole fleet."""
    assert watch.engine.evaluation is not None
    snapshot, history = watch.engine.evaluation.snapshot, watch.engine.history
    few, more = (Evaluator(rules(RULES, further=number).rules, EVERY) for number in (0, FURTHER))
    costs = []
    for _ in range(5 * RUNS):
        costs.append((timed(lambda: more.judge(snapshot, history)) - timed(lambda: few.judge(snapshot, history))) / FURTHER)
    return statistics.median(costs)


def burst(alerts: int = 5_000) -> str:
    """That many alerts begin at one poll; what is sent when their group's wait is over, and before."""
    watch = Watch(Api(2 * alerts), load_texts({"burst.yaml": TOLD + "rules: [{alert: R, each: source, expr: present(connector_status)}]"}, {}))
    early, due = watch.deliver(FIRST + 29.9), watch.deliver(FIRST + 30.0)
    return f"{len(watch.engine.records.open_episodes()):,} alerts begin at once: {early} messages before group_wait (30 s), {due} at it"


def show(name: str, times: list[float], yard: list[float], aim: str = "") -> None:
    ratios = [one / base for one, base in zip(times, yard, strict=True)]
    print(f"  {name:44s} {statistics.median(times) * 1e3:7.1f} ms  ± {(max(times) - min(times)) * 1e3:6.1f}"
          f"   {statistics.median(ratios):5.2f}  (best {min(times) / min(yard):4.2f}){aim}")  # fmt: skip


def main() -> None:
    one_heap()
    calm_collector()  # as `watchdog run` does; the yardstick gains from it too
    sizes = [int(one) for one in sys.argv[1:] if one.isdigit()] or [1_000, 3_000, CONNECTORS]
    per_reading: dict[int, float] = {}
    for connectors in sizes:
        found, watch = measure(connectors)
        yard = found["orjson.loads"]
        readings = connectors * TASKS * len(METRICS)
        firing = len(watch.engine.records.open_episodes())
        print(f"{connectors:,} connectors, {readings:,} readings in {sum(map(len, watch.api.bodies.values())) / 1e6:.1f} MB, "
              f"{RULES} rules, {firing:,} alerts firing")  # fmt: skip
        show("orjson.loads of the same bytes", yard, yard)
        show("bytes to verdicts", found["verdicts"], yard, "  aim 1")
        show("a whole cycle, polled, not saved", found["cycle"], yard)
        show("a whole cycle, polled and saved on SQLite", found["saved cycle"], yard, "  aim 1.6")
        show("  of it saving", found["saving alone"], yard)
        few, _ = measure(connectors, 0.01)
        show("1 % changed: bytes to verdicts", few["verdicts"], few["orjson.loads"], "  aim 0.5")
        show("1 % changed: a whole cycle, not saved", few["cycle"], few["orjson.loads"])
        show("1 % changed: a whole cycle, saved", few["saved cycle"], few["orjson.loads"])
        whole = orjson.dumps([orjson.Fragment(body) for body in watch.api.bodies.values()])
        one = [timed(lambda whole=whole: orjson.loads(whole)) for _ in range(RUNS)]
        print(f"  (orjson.loads of all of it as one answer {statistics.median(one) * 1e3:11.1f} ms)")
        more, cycle = further_rule(watch), statistics.median(found["saved cycle"])
        print(f"  one plain threshold rule more {more * 1e3:22.2f} ms: {more / cycle:.2%} of a cycle  aim under 1 %")
        per_reading[connectors] = statistics.median(found["saved cycle"]) / readings
    print(burst())
    if len(per_reading) > 1:
        costs = ", ".join(f"{cost * 1e9:.0f} ns at {connectors:,}" for connectors, cost in per_reading.items())
        print(f"a saved cycle costs per reading: {costs}")


if __name__ == "__main__":
    main()
