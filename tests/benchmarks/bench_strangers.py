"""How soon probes are answered while strangers hold connections or guess tokens: a running service, from outside.

Run it: python tests/benchmarks/bench_strangers.py [sockets] [seconds]. The sockets come from four loopback addresses, one
of them the probes' own; each sends a request byte by byte, or guesses tokens, and comes back when it is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from watchdog.simulator import Simulator

ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4")
BEGINNINGS = {
    "slow sockets": b"GET / HTTP/1.1\r\nX: ",
    "guesses of the token": b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\ntoken=b",
}
#: Seconds between two bytes of one stranger, and before it comes back.
DRIP, BACK = 1.0, 0.2
#: Seconds between two probes, and after which one counts as not answered.
EVERY, PATIENCE = 0.05, 5.0
RULES = "rules:\n  - {alert: Behind, each: source, expr: StreamingMilliSecondsBehindSource > 5m}\n"


async def drip(port: int, address: str, beginning: bytes) -> None:
    """One stranger, until its process ends."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
            writer.write(beginning)
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(DRIP)
        await asyncio.sleep(BACK)


async def strangers(port: int, count: int, what: str) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 200), hard))
    await asyncio.gather(*(drip(port, ADDRESSES[n % len(ADDRESSES)], BEGINNINGS[what]) for n in range(count)))


def probe(port: int, path: str) -> float | None:
    """Seconds until it is answered with 200; None where it is not."""
    began = time.perf_counter()
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as asked:
            asked.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: asked.recv(4096), b""))
    except OSError:
        return None
    return time.perf_counter() - began if answer.startswith(b"HTTP/1.1 200") else None


def probes(port: int, seconds: float) -> list[float | None]:
    found: list[float | None] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found.append(probe(port, ("/healthz", "/readyz")[len(found) % 2]))
        time.sleep(EVERY)
    return found


def show(what: str, found: list[float | None]) -> None:
    answered = [one for one in found if one is not None]
    late = sum(one > 1.0 for one in answered)
    print(f"{what}: {len(found)} probes, {len(found) - len(answered)} not answered, {late} after more than 1 s, "
          f"median {statistics.median(answered) * 1000:.1f} ms, worst {max(answered) * 1000:.0f} ms")  # fmt: skip


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    with tempfile.TemporaryDirectory() as folder, Simulator(sources=2) as streamkap:
        (Path(folder) / "rules.yaml").write_text(RULES)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        env = {"PATH": os.environ["PATH"], "STREAMKAP_HOST": streamkap.url, "STREAMKAP_CLIENT_ID": streamkap.client_id,
               "STREAMKAP_SECRET": streamkap.secret, "WATCHDOG_RULES": f"{folder}/rules.yaml",
               "WATCHDOG_DATABASE_URL": f"sqlite:///{folder}/watchdog.db", "WATCHDOG_POLL_EVERY": "2s",
               "WATCHDOG_LISTEN": f"127.0.0.1:{port}", "WATCHDOG_WEB_TOKEN": "correct horse battery"}  # fmt: skip
        service = subprocess.Popen([sys.executable, "-m", "watchdog", "run"], env=env, cwd=folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)  # fmt: skip
        try:
            deadline = time.monotonic() + 30
            while probe(port, "/readyz") is None and time.monotonic() < deadline:
                time.sleep(0.1)
            show("nobody else", probes(port, min(3.0, seconds)))
            for what in BEGINNINGS:
                coming = subprocess.Popen([sys.executable, __file__, "--strangers", str(port), str(count), what])
                try:
                    show(f"{count} {what} from {len(ADDRESSES)} addresses", probes(port, seconds))
                finally:
                    coming.terminate()
                    coming.wait(10)
        finally:
            service.terminate()
            service.wait(10)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--strangers"]:
        asyncio.run(strangers(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
    else:
        main()
