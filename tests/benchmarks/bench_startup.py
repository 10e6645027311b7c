"""How long the commands need to begin, and how much memory a small account costs: the installed product, from outside.

Run it: python tests/benchmarks/bench_startup.py [connectors]. Prints the time of `watchdog --help`, from
`watchdog run` to its first finished evaluation, and its resident size after some cycles, each beside what
is promised; no test fails on a time.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from watchdog.simulator.fleet import Fleet
from watchdog.simulator.simulator import Simulator

ROOT = Path(__file__).parents[2]
WATCHDOG = str(Path(sys.executable).with_name("watchdog"))
RUNS = 7
CYCLES = 20
#: Seconds before a service that ends no cycle is given up.
PATIENCE = 30.0


def help_time() -> float:
    """Seconds of `watchdog --help`, the median of some runs after a first one that warmed the disk."""

    def once() -> float:
        begun = time.perf_counter()
        subprocess.run([WATCHDOG, "--help"], stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - begun

    once()
    return statistics.median(once() for _ in range(RUNS))


def bare_python_time() -> float:
    """Seconds of an interpreter that does nothing, which no command can be faster than."""

    def once() -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", ""], check=True)
        return time.perf_counter() - begun

    once()
    return statistics.median(once() for _ in range(RUNS))


def fleet_of(connectors: int) -> Fleet:
    """The smallest fleet with at least so many sources and destinations together."""
    sources = 1
    while True:
        fleet = Fleet.generate(1, sources)
        if len(fleet.sources) + len(fleet.destinations) >= connectors:
            return fleet
        sources += 1


class Heartbeats:
    """What WATCHDOG_HEARTBEAT_URL points at: fetched after each cycle that was judged and saved, only then."""

    def __init__(self) -> None:
        self.arrived: queue.SimpleQueue[float] = queue.SimpleQueue()
        arrived = self.arrived

        class Beat(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                arrived.put(time.perf_counter())
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Beat)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/ping"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


class Service:
    """`watchdog run` in a folder of its own, against a simulator."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.heartbeats = Heartbeats()
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            [WATCHDOG, "run"],
            cwd=folder,
            env={
                **kept,
                "HOME": str(folder),
                "STREAMKAP_HOST": simulator.url,
                "STREAMKAP_CLIENT_ID": simulator.client_id,
                "STREAMKAP_SECRET": simulator.secret,
                "WATCHDOG_RULES": str(ROOT / "rules"),
                "WATCHDOG_DATABASE_URL": f"sqlite:///{folder / 'watchdog.db'}",
                "WATCHDOG_LISTEN": f"127.0.0.1:{_free_port()}",
                "WATCHDOG_HEARTBEAT_URL": self.heartbeats.url,
                "WATCHDOG_POLL_EVERY": "1s",
                "WATCHDOG_LOG_LEVEL": "error",
            },
        )

    def cycle(self) -> float:
        """Waits for the next cycle's end; seconds from the beginning of the process to it."""
        try:
            return self.heartbeats.arrived.get(timeout=PATIENCE) - self.begun
        except queue.Empty:
            self.stop()
            sys.exit(f"watchdog run finished no cycle in {PATIENCE:.0f} s")

    def resident(self) -> tuple[float, float]:
        """Megabytes in memory now, and at most so far."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():  # no Linux, no /proc: said, not guessed
            return float("nan"), float("nan")
        sizes = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines())
        now, peak = (int(sizes[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))
        return now, peak

    def stop(self) -> float:
        """Seconds from SIGTERM to the end."""
        begun = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return time.perf_counter() - begun


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def main() -> None:
    connectors = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    bare, shown = bare_python_time(), help_time()
    print(f"watchdog --help                        {shown:6.2f} s   (promised: under 0.3 s; bare python: {bare:.2f} s)")
    with tempfile.TemporaryDirectory() as folder, Simulator(fleet_of(connectors)) as simulator:
        first = []
        for number in range(3):
            home = Path(folder, str(number))
            home.mkdir()
            service = Service(simulator, home)
            first.append(service.cycle())
            if number < 2:
                service.stop()
        print(f"watchdog run to the first evaluation   {statistics.median(first):6.2f} s   (promised: under 2 s)")
        for _ in range(CYCLES):
            service.cycle()
        now, peak = service.resident()
        what = f"{connectors} connectors, after {CYCLES} cycles"
        print(f"{what:38} {now:6.0f} MB  (promised for 20: under 120 MB; peak {peak:.0f} MB)")
        print(f"SIGTERM to the end                     {service.stop():6.2f} s   (promised: under 5 s)")


if __name__ == "__main__":
    main()
