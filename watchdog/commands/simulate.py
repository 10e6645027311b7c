"""`watchdog simulate`: the built-in Streamkap API alone."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from watchdog.commands.output import console
from watchdog.simulator import Simulator, load_scenario


def simulate(*, port: int, sources: int | None, scenario: Path | None, seed: int | None) -> int:
    """Serve until interrupted. Raises ConfigError for a scenario that cannot be read or a port that is taken."""
    script = None if scenario is None else load_scenario(scenario)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Simulator(scenario=script, sources=sources, seed=seed, port=port) as streamkap:
        out = console()
        out.print("a Streamkap API of its own listens; to watch it:", markup=False)
        out.print(f"  export STREAMKAP_HOST={streamkap.url}", markup=False)
        out.print(f"  export STREAMKAP_CLIENT_ID={streamkap.client_id}", markup=False)
        out.print(f"  export STREAMKAP_SECRET={streamkap.secret}", markup=False)
        stop.wait()
    return 0
