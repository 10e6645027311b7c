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


def decoded_only(body: Path) -> None:
    import orjson

    kept = orjson.loads(body.read_bytes())
    print(f"{peak():.0f}")
    del kept


def cycles(connectors: int) -> None:
    from bench_cycle import Cycle, policy

    from watchdog.app.memory import calm_collector

    with tempfile.TemporaryDirectory() as folder:
        cycle = Cycle(connectors, policy(50), Path(folder), save=True)
        calm_collector()
        for _ in range(CYCLES):
            cycle.run()
    print(f"{peak():.0f}")


def main() -> None:
    connectors = int(sys.argv[1]) if len(sys.argv) > 1 else CONNECTORS
    if len(sys.argv) > 2:
        decoded_only(Path(sys.argv[3])) if sys.argv[2] == "decoded" else cycles(connectors)
        return
    from bench_decode import scalars

    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "body.json"
        body.write_bytes(scalars(connectors))
        command = [sys.executable, __file__, str(connectors)]
        alone = float(subprocess.check_output([*command, "decoded", str(body)]))
        whole = float(subprocess.check_output([*command, "cycles"]))
    print(f"{connectors:,} connectors: decoded answer alone {alone:.0f} MB, {CYCLES} cycles {whole:.0f} MB, "
          f"ratio {whole / alone:.2f} (promised: under 3)")  # fmt: skip


if __name__ == "__main__":
    main()
