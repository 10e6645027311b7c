"""What fifty open status pages add to a cycle: the same cycles with and without readers, in one run.

Run it: python tests/benchmarks/bench_pages.py [connectors] [readers]. The readers are a process of their own; each holds
the event stream open and fetches the page whenever the stream says that something changed, as a browser does.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import httpx
from setting import EVERY, Api, Watch, rules

from watchdog.alerts.episodes import Episode
from watchdog.app.engine_store import EngineStore
from watchdog.app.memory import calm_collector, one_heap
from watchdog.cycle.engine import Engine
from watchdog.cycle.evaluation import Evaluation
from watchdog.cycle.policy import Policy
from watchdog.notify.chart import Picture
from watchdog.notify.rendering import Links
from watchdog.readings.chart_history import Line
from watchdog.readings.fleet import EntityKey
from watchdog.store.store import Store
from watchdog.web.access import Access
from watchdog.web.server import Server, application

CYCLES, ROUNDS = 5, 4
#: Seconds between two cycles: far shorter than in real life, so that readers are always near.
PAUSE = 2.0


class ServiceView:
    """The service as pages see it, without its loop: this script is the loop."""

    leader = mistakes = ""
    stands_by = False
    links = Links()

    def __init__(self, engine_store: EngineStore) -> None:
        self.engine_store = engine_store

    @property
    def store(self) -> Store:
        return self.engine_store.store

    @property
    def evaluation(self) -> Evaluation | None:
        return self.engine_store.evaluation

    @property
    def policy(self) -> Policy:
        return self.engine_store.engine.policy

    def firing(self) -> Sequence[Episode]:
        return self.engine_store.firing()

    def version(self) -> int:
        return self.engine_store.version

    def line(self, key: EntityKey, metric: str) -> Line | None:
        return self.engine_store.engine.trace.line(key, metric)

    def picture(self, episode: Episode, now: float) -> Picture | None:
        return self.engine_store.engine.picture(episode, now)

    def texts(self, episode: Episode, now: float) -> Mapping[str, str]:
        return self.engine_store.engine.annotations(episode, now)

    def reading(self) -> AbstractContextManager[Engine]:
        return self.engine_store.reading()

    def healthy(self) -> bool:
        return True

    def ready(self) -> bool:
        return True


async def read(url: str, fetched: list[float]) -> None:
    """One reader, until somebody ends the process."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client, client.stream("GET", "/events") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: hello"):
                print("open", flush=True)
            if line.startswith("event: changed"):
                began = time.perf_counter()
                await client.get("/")
                fetched.append(time.perf_counter() - began)
                print(f"{fetched[-1]:.3f}", flush=True)


async def readers(url: str, count: int) -> None:
    fetched: list[float] = []
    await asyncio.gather(*(read(url, fetched) for _ in range(count)))


class Taken(NamedTuple):
    """Seconds one cycle took by the clock, what this process computed meanwhile, and what until the next began."""

    cycle: float
    within: float
    until_next: float


def cycles(watch: Watch, engine_store: EngineStore) -> list[Taken]:
    found = []
    for _ in range(CYCLES):
        watch.polls += 1
        watch.api.turn(watch.polls)
        computed, began = time.process_time(), time.perf_counter()
        engine_store.judge(watch.poller.poll(watch.at), {"polls_missed": 0.0, "cycle_seconds": 0.0, "rules_invalid": 0.0})
        taken, within = time.perf_counter() - began, time.process_time() - computed
        time.sleep(PAUSE)
        found.append(Taken(taken, within, time.process_time() - computed))
    return found


def beside(watch: Watch, engine_store: EngineStore, url: str, count: int) -> tuple[list[Taken], list[float]]:
    """The same with readers, and what each fetch took."""
    reading = subprocess.Popen([sys.executable, __file__, "--read", url, str(count)], stdout=subprocess.PIPE, text=True)
    assert reading.stdout is not None
    for _ in range(count):
        reading.stdout.readline()  # "open"
    found = cycles(watch, engine_store)
    reading.terminate()
    return found, [float(line) for line in reading.communicate()[0].split()]


def main() -> None:
    connectors = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    one_heap()
    calm_collector()
    alone: list[Taken] = []
    read: list[Taken] = []
    fetched: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/bench.db")
        watch = Watch(Api(connectors), rules(50))
        engine_store = EngineStore(watch.engine, store, clock=lambda: watch.at, open_carrier=lambda target: None)  # type: ignore[arg-type,return-value]
        server = Server(application(ServiceView(engine_store), Access("", True)), "127.0.0.1", 0)  # type: ignore[arg-type]
        server.start()
        url = "http://{}:{}".format(*server.address)
        cycles(watch, engine_store)
        for _ in range(ROUNDS):  # by turns: what else the machine does falls on both alike
            alone += cycles(watch, engine_store)
            found, times = beside(watch, engine_store, url, count)
            read, fetched = read + found, fetched + times
        server.stop()
        store.close()
    print(f"{connectors:,} connectors, {len(watch.engine.records.open_episodes()):,} alerts firing, {ROUNDS} x {CYCLES} cycles each")
    _print("by the clock", [one.cycle for one in alone], [one.cycle for one in read], count)
    _print("by the processor", [one.within for one in alone], [one.within for one in read], count)
    more = statistics.median(one.until_next for one in read) - statistics.median(one.until_next for one in alone)
    print(f"  {len(fetched)} pages fetched, median {statistics.median(fetched) * 1e3:.0f} ms, slowest {max(fetched) * 1e3:.0f} ms")
    print(f"  from one cycle to the next the pages cost {more * 1e3:.0f} ms of a processor: {more / EVERY:.2%} of it at a poll "
          f"every {EVERY:.0f} s, the default, {more / PAUSE:.1%} here, every {PAUSE:.0f} s")  # fmt: skip


def _print(what: str, alone: Sequence[float], read: Sequence[float], count: int) -> None:
    base = statistics.median(alone)
    print(f"  a cycle {what}")
    for name, times in (("nobody reads", alone), (f"{count} pages open", read)):
        print(f"    {name:16s} median {statistics.median(times) * 1e3:6.1f} ms  best {min(times) * 1e3:6.1f}  "
              f"worst {max(times) * 1e3:6.1f}  ratio {statistics.median(times) / base:5.3f}")  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        with contextlib.suppress(KeyboardInterrupt, httpx.TransportError):
            asyncio.run(readers(sys.argv[2], int(sys.argv[3])))
    else:
        main()
