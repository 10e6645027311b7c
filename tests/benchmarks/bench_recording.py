"""What the recording costs: its share of a cycle's processor time, and how many days fit into the default size.

The share: bench_cycle's setting at 1 000 connectors, every value changed at every poll. The size: the simulator's fleet of
20 connectors on a hand-moved clock, one poll each 30 s.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

from setting import EVERY, Api, Watch, rules

from watchdog.app.recorder import Recorder
from watchdog.cycle.engine import Engine
from watchdog.cycle.state import Saved
from watchdog.notify.rendering import Wording
from watchdog.readings.blocks import KINDS
from watchdog.readings.poll import Poll
from watchdog.settings import Settings
from watchdog.simulator.simulator import Simulator
from watchdog.store import recording
from watchdog.store.store import Store
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.poll import Poller
from watchdog.streamkap.signin import Credentials

CONNECTORS, POLLS, WARM = 1_000, 64, 16
SOURCES, HOURS = 16, 2


def share() -> None:
    store = Store.open("sqlite://")
    watch, recorder = Watch(Api(CONNECTORS), rules(50)), Recorder(store, 1e9)
    cycle = recorded = 0.0
    for number in range(WARM + POLLS):
        watch.polls = number + 1
        watch.api.turn(watch.polls)
        gc.collect()
        began = time.process_time()
        poll = watch.poller.poll(watch.at)
        store.commit(watch.judge(poll), *watch.engine.windows())
        judged = time.process_time()
        assert watch.engine.evaluation is not None
        recorder.record(poll, watch.engine.evaluation.snapshot)
        if number >= WARM:
            cycle, recorded = cycle + judged - began, recorded + time.process_time() - judged
        watch.deliver(watch.at + EVERY - 1)
        store.commit(watch.engine.take_changes())
    print(f"{CONNECTORS:,} connectors, every value changed: recording {recorded / POLLS * 1e3:.1f} ms a poll, "
          f"{recorded / cycle:.1%} of the {cycle / POLLS * 1e3:.1f} ms of a saved cycle  aim 5 %")  # fmt: skip


def played(recorder: Recorder, poll_at: Callable[[float], Poll], start: float) -> int:
    """Simulated hours through the engine and the recorder; how many readings a poll had."""
    engine = Engine(rules(10), Saved(), start=start, every=EVERY, wording=Wording(), name="bench")
    for number in range(int(HOURS * 3600 / EVERY)):
        poll = poll_at(start + number * EVERY)
        engine.judge(poll, {})
        assert engine.evaluation is not None
        recorder.record(poll, engine.evaluation.snapshot)
    recorder.end_block()
    snapshot = engine.evaluation.snapshot
    return sum(len(snapshot.readings(one.key)) for kind in KINDS for one in snapshot.fleet.table(kind).entities)


def size() -> None:
    now = [1_767_600_000.0]
    store = Store.open("sqlite://")
    with Simulator(sources=SOURCES, clock=lambda: now[0]) as simulator:
        poller = Poller(
            StreamkapClient(simulator.url, Credentials("simulator", "simulator-secret")), listing_every=300.0
        )

        def poll_at(at: float) -> Poll:
            now[0] = at
            return poller.poll(at)

        readings = played(Recorder(store, 1e9), poll_at, now[0])
    reach = recording.reach(store)
    assert reach is not None
    a_day = reach.size / HOURS * 24
    limit = Settings.model_fields["watchdog_recording"].default
    connectors = len(simulator.fleet.sources) + len(simulator.fleet.destinations)
    print(f"{connectors} connectors, {readings:,} readings a poll, "
          f"one each {EVERY:.0f} s: {a_day / 2**20:.2f} MiB a day, {reach.size / reach.polls / readings:.2f} bytes a reading; "
          f"{limit / 2**20:.0f} MiB hold {limit / a_day:.0f} days  aim 30")  # fmt: skip


if __name__ == "__main__":
    share()
    size()
