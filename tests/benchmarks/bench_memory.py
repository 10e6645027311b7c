"""Peak resident size of whole cycles against a process that holds only the decoded answer.

Run it: python tests/benchmarks/bench_memory.py [connectors]. Each is a process of its own; ratios are printed.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

CONNECTORS = 10_000
CYCLES = 5


def peak() -> float:
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def decoded_only(bodies: Path) -> None:
    import orjson

    kept = [orjson.loads(body.read_bytes()) for body in sorted(bodies.iterdir())]
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

    with tempfile.TemporaryDirectory() as folder:
        for key, body in Api(connectors).bodies.items():
            Path(folder, "-".join(key)).write_bytes(body)
        command = [sys.executable, __file__, str(connectors)]
        alone = float(subprocess.check_output([*command, "decoded", folder]))
        whole = float(subprocess.check_output([*command, "cycles", folder]))
    print(f"{connectors:,} connectors: decoded answer alone {alone:.0f} MB, {CYCLES} cycles saved {whole:.0f} MB, "
          f"ratio {whole / alone:.2f} (promised: under 3, windows apart)")  # fmt: skip


if __name__ == "__main__":
    main()
