"""Peak resident size of whole cycles against a process that holds only the decoded answer.

Run it: python tests/benchmarks/bench_memory.py [connectors]. Each is a process of its own; ratios are printed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

CONNECTORS = 10_000
CYCLES = 5


def peak() -> float:
    """Megabytes this program has had resident at most; getrusage would count what its parent had when it began."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def decoded_only(bodies: Path) -> None:
    import orjson

    files = sorted(bodies.iterdir()) if bodies.is_dir() else [bodies]
    kept = [orjson.loads(body.read_bytes()) for body in files]
    print(f"{peak():.0f}")
    del kept


def cycles(connectors: int, bodies: Path) -> None:
    """The answers come from the disk, as they come from the network: they are not held here before they are asked for."""
    from bench_cycle import RULES
    from setting import Api, Watch, rules

    from watchdog.app.memory import calm_collector, one_heap
    from watchdog.store.store import Store

    class OnDisk(Api):
        def turn(self, poll: int) -> None:
            self.bodies = _Files(bodies)

    one_heap()
    calm_collector()
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/bench.db")
        watch = Watch(OnDisk(connectors), rules(RULES, windows=False), filled=False)
        for _ in range(CYCLES):
            changes = watch.judge(watch.poll())
            store.commit(changes, *watch.engine.windows())
    print(f"{peak():.0f}")


class _Files(dict[tuple[str, str], bytes]):
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, key: tuple[str, str]) -> bytes:
        return (self.folder / "-".join(key)).read_bytes()


def main() -> None:
    connectors = int(sys.argv[1]) if len(sys.argv) > 1 else CONNECTORS
    if len(sys.argv) > 2:
        decoded_only(Path(sys.argv[3])) if sys.argv[2] == "decoded" else cycles(connectors, Path(sys.argv[3]))
        return
    from setting import Api

    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        for key, body in Api(connectors).bodies.items():
            Path(folder, "-".join(key)).write_bytes(body)
        together = Path(other, "together.json")
        together.write_bytes(b"[" + b",".join(body.read_bytes() for body in sorted(Path(folder).iterdir())) + b"]")
        command = [sys.executable, __file__, str(connectors)]
        pieces = float(subprocess.check_output([*command, "decoded", folder]))
        at_once = float(subprocess.check_output([*command, "decoded", together]))
        whole = float(subprocess.check_output([*command, "cycles", folder]))
    print(f"{connectors:,} connectors: {CYCLES} cycles saved {whole:.0f} MB (promised: under 3 times, windows apart)")
    print(f"  the decoded answer alone, read in the pieces it comes in {pieces:4.0f} MB: ratio {whole / pieces:.2f}")
    print(f"  the same read as one document                           {at_once:4.0f} MB: ratio {whole / at_once:.2f}")


if __name__ == "__main__":
    main()
