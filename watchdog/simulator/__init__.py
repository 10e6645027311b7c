"""A Streamkap API of our own, over real HTTP on a loopback socket: for tests, trials and the demo.

    from watchdog.simulator import Simulator, Dialect, Fleet, parse_scenario

    with Simulator(sources=12, clock=lambda: clock.now) as sim:     # a free port; instant 0 of the world is now
        client = Client(sim.url, sim.client_id, sim.secret)
        sim.set("prod-orders", "StreamingMilliSecondsBehindSource", 900_000)      # pin a reading (task=…, topic=…)
        sim.state("prod-inventory", task_statuses={1: "FAILED"})                  # or connector_status=, desired_state=
        sim.state("pipeline/prod-orders-to-warehouse", "Broken")                  # pipelines and transforms: the status
        sim.unset("prod-orders", "StreamingMilliSecondsBehindSource")
        sim.remove("prod-archive"); sim.restore("prod-archive"); sim.rename("prod-clicks", "clicks"); sim.add(Source(…))
        fault = sim.fail("/sources/metrics", 503, times=2)                        # path is a glob; first match wins
        sim.fail("/sources*", 429, retry_after=3); sim.fail(kind="reset"); sim.fail(kind="slow", delay=0.3)
        sim.faults.remove(fault); sim.faults.clear(); sim.revoke_tokens()
        sim.dialect = Dialect(shape="rows", task_key="state")                     # how answers are worded
        sim.asked("/sources/metrics")                                             # [Asked(method, path, query, …)]
        sim.find("prod-orders").id, sim.fleet.sources, sim.issue_token(), sim.requests.clear()

Entities are named `name`, `kind/name` or by id. `fail` takes `kind` (see `Kind`: status, slow, drip, hang, reset,
truncate, enormous, empty, content_type, malformed, html, missing, redirect) and method, times, after, at, until,
status, detail, body (string, list, dict, html, empty), retry_after, delay, size, location, ids.

`Simulator(scenario=load_scenario(path))`, `parse_scenario(text)` and `builtin_scenario("demo")` script incidents; what
can happen is listed in `incidents.DOINGS`, what a file looks like in `scenario_file`. `scenario.ends` says when it is
over.

The world is a pure function of the fleet (its seed), the scenario, what was set by hand, and the seconds since the
start.
"""

from watchdog.simulator.dialect import Dialect, Shape
from watchdog.simulator.exchange import Asked
from watchdog.simulator.faults import Fault, Kind
from watchdog.simulator.fleet import Destination, Fleet, Pipeline, Source, Transform
from watchdog.simulator.incidents import DOINGS, Incident
from watchdog.simulator.scenario import Event, Scenario
from watchdog.simulator.scenario_file import builtin_scenario, load_scenario, parse_scenario
from watchdog.simulator.simulator import Simulator

__all__ = [
    "DOINGS",
    "Asked",
    "Destination",
    "Dialect",
    "Event",
    "Fault",
    "Fleet",
    "Incident",
    "Kind",
    "Pipeline",
    "Scenario",
    "Shape",
    "Simulator",
    "Source",
    "Transform",
    "builtin_scenario",
    "load_scenario",
    "parse_scenario",
]
