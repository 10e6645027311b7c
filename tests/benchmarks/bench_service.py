"""Processor time of the running service per cycle, seen from outside, against `orjson.loads` of the same answers.

Run it: python tests/benchmarks/bench_service.py [connectors] [cycles] [changed, in percent] [seconds between polls].
`watchdog run` polls an API in a process of its own over HTTP, with three tasks of 20 metrics a connector and 50 rules;
setting.py says what they are. By default 1,000 connectors, every value changes, polls are 5 seconds apart. All threads
count, also those that ended; threads that still run are printed one by one.
"""

from __future__ import annotations

import multiprocessing
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
from setting import METRICS, TASKS, Api, policy_text

RULES, RUNS, SETTLE, DIFFERENT = 50, 9, 4, 6
_TICK = os.sysconf("SC_CLK_TCK")
Bodies = Mapping[tuple[str, str], bytes]


def answers(connectors: int, changed: float) -> tuple[Api, list[Bodies]]:
    """The API, and what it answers at a few polls, which it repeats."""
    api = Api(connectors, changed=changed)
    made = []
    for poll in range(1, DIFFERENT + 1):
        api.turn(poll)
        made.append(api.bodies)
    return api, made


def serve(connectors: int, changed: float, polls: multiprocessing.Queue[int]) -> None:
    """Answer over HTTP until the process is ended; puts the port, and then the number of each poll."""
    api, made = answers(connectors, changed)
    asked = dict.fromkeys(api.kinds, 0)
    first = {of[0] for of in api.kinds.values()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            kind, *rest = url.path.strip("/").split("/")
            if kind == "auth":
                body = b'{"accessToken": "bench", "expiresIn": 1000000}'
            elif rest == ["metrics"]:
                query = parse_qs(url.query)
                named = orjson.loads(sent)["ids"] if sent else query["ids"][0].split(",")
                if named[0] in first:
                    asked[kind] += 1
                    polls.put(asked[kind])
                body = made[asked[kind] % DIFFERENT][kind, named[0]]
            else:
                body = orjson.dumps(api.page(kind, int(parse_qs(url.query).get("page", ["1"])[0])))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    polls.put(server.server_port)
    server.serve_forever()


def processor(pid: int) -> float:
    """Seconds of all threads, also of those that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def threads(pid: int) -> dict[str, float]:
    """Seconds of each thread that runs, by its number and name."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        name = "main" if task.name == str(pid) else (task / "comm").read_text().strip()
        found[f"{task.name} {name}"] = int((task / "schedstat").read_text().split()[0]) / 1e9
    return found


def yardstick(bodies: Bodies) -> float:
    """Processor time of decoding one poll's answers, held together."""
    began = time.process_time()
    held = [orjson.loads(body) for body in bodies.values()]
    took = time.process_time() - began
    del held
    return took


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def main() -> None:
    given = dict(enumerate(float(one) for one in sys.argv[1:] if one.replace(".", "").isdigit()))
    connectors, cycles = int(given.get(0, 1_000)), int(given.get(1, 20))
    changed, every = given.get(2, 100.0), given.get(3, 5.0)
    polls: multiprocessing.Queue[int] = multiprocessing.Queue()
    api = multiprocessing.Process(target=serve, args=(connectors, changed / 100, polls), daemon=True)
    api.start()
    port = polls.get(timeout=120)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rules").mkdir()
        (Path(folder) / "rules" / "bench.yaml").write_text(policy_text(RULES, told=False))
        settings = {
            "STREAMKAP_HOST": f"http://127.0.0.1:{port}", "STREAMKAP_CLIENT_ID": "bench", "STREAMKAP_SECRET": secrets.token_hex(8),
            "WATCHDOG_POLL_EVERY": f"{every:g}s", "WATCHDOG_LISTING_EVERY": "1h", "WATCHDOG_DATABASE_URL": f"sqlite:///{folder}/bench.db",
            "WATCHDOG_RULES": f"{folder}/rules", "WATCHDOG_LISTEN": f"127.0.0.1:{free_port()}", "WATCHDOG_WEB_TOKEN": secrets.token_hex(16),
        }  # fmt: skip
        launch = os.environ.get("WATCHDOG_LAUNCH", f"{Path(sys.executable).parent}/watchdog run").split()
        service = subprocess.Popen(launch, env={**os.environ, **settings}, cwd=folder,
                                   stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # fmt: skip
        try:
            for _ in range(SETTLE):
                polls.get(timeout=60 + every)
                while not polls.empty():
                    polls.get()
                time.sleep(every)
            before, alive = processor(service.pid), threads(service.pid)
            time.sleep(every * cycles)
            after, later = processor(service.pid), threads(service.pid)
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(20)
    api.terminate()
    per_cycle = (after - before) / cycles
    yard = statistics.median(yardstick(bodies) for _ in range(RUNS) for bodies in answers(connectors, changed / 100)[1][:1])
    readings = connectors * TASKS * len(METRICS)
    print(f"{connectors:,} connectors, {readings:,} readings, {RULES} rules, every {every:g} s, {changed:g} % changed")
    print(f"  orjson.loads of the answers {yard * 1e3:8.1f} ms")
    print(f"  the service, per cycle      {per_cycle * 1e3:8.1f} ms  {per_cycle / yard:6.2f}")
    print(f"  the same, of one core       {per_cycle / every:8.2%}")
    spent = {name: (later[name] - alive.get(name, 0.0)) / cycles for name in later}
    for name, seconds in sorted(spent.items(), key=lambda one: -one[1]):
        if seconds > 1e-4:
            print(f"    {name:24s}  {seconds * 1e3:8.1f} ms")
    print(f"    {'threads that ended':24s}  {(per_cycle - sum(spent.values())) * 1e3:8.1f} ms")


if __name__ == "__main__":
    main()
