"""What is true of the fleet at an instant: who exists, in which state, with which readings.

A pure function of the fleet, its incidents, what was set by hand, and the instant (seconds since the simulator began).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from watchdog.simulator.fleet import KIND_OF, Destination, Fleet, Listed, Pipeline, Source, Transform
from watchdog.simulator.incidents import Incident, Timeline

#: A reading as JSON has it.
Value = int | float | str | bool | None
#: Part of an entity that has readings of its own: ("task", "0"), ("topic", id) or neither.
Part = tuple[str, str] | None
UNSET = object()

_TASK_OF_STATUS = {
    "Broken": "FAILED", "Paused": "PAUSED", "Stopped": "STOPPED", "Unassigned": "UNASSIGNED", "Starting": "RESTARTING",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConnectorState:
    """What a listing says about a connector."""

    status: Value
    desired: Value
    tasks: Mapping[int, Value]


@dataclass(slots=True)
class Pins:
    """Readings and states set by hand, each with the instant it was set at, so that the past stays as it was."""

    _set: dict[str, dict[tuple[Part, str], list[tuple[float, Any]]]] = field(default_factory=dict)

    def set(self, entity: str, metric: str, value: Any, at: float, part: Part = None) -> None:
        """`value` UNSET takes back what was set."""
        self._set.setdefault(entity, {}).setdefault((part, metric), []).append((at, value))

    def of(self, entity: str, at: float) -> dict[tuple[Part, str], Value]:
        """What holds for one entity at an instant."""
        known = self._set.get(entity)
        if not known:
            return {}
        found: dict[tuple[Part, str], Value] = {}
        for place, history in list(known.items()):
            value: Any = next((value for since, value in reversed(history) if since <= at), UNSET)
            if value is not UNSET:
                found[place] = value
        return found

    def get(self, entity: str, metric: str, at: float, otherwise: Any) -> Any:
        return self.of(entity, at).get((None, metric), otherwise) if entity in self._set else otherwise


class World:
    """The fleet over time."""

    def __init__(self, fleet: Fleet, incidents: Iterable[Incident] = ()) -> None:
        self.fleet = fleet
        self.timeline = Timeline(incidents)
        self.pins = Pins()

    def exists(self, entity: Listed, at: float) -> bool:
        """Whether it is listed and measured at all."""
        for incident in self.timeline.of(entity.id):
            if incident.do == "vanish" and incident.holds(at):
                return False
            if incident.do == "appear" and at < incident.at:
                return False
        return bool(self.pins.get(entity.id, "exists", at, True))

    def find(self, id: str, at: float) -> Listed | None:
        """The entity with this id, if it exists."""
        entity = self.fleet.by_id.get(id)
        return entity if entity is not None and self.exists(entity, at) else None

    def name(self, entity: Listed, at: float) -> str:
        name = entity.name
        for incident in self.timeline.of(entity.id):
            if incident.do == "rename" and incident.holds(at):
                name = str(incident.args["to"])
        return str(self.pins.get(entity.id, "name", at, name))

    def measured_at(self, entity: Listed, at: float) -> float:
        """The instant its metrics are of: earlier than `at` while they stand still."""
        for incident in reversed(self.timeline.of(entity.id)):
            if incident.do == "stale" and incident.holds(at):
                at = incident.at
        return at

    def connector(self, entity: Source | Destination, at: float) -> ConnectorState:
        """State of a connector and its tasks."""
        status: Value = "Active"
        desired: Value = "Active"
        failed: list[int] = []
        for incident in self.timeline.of(entity.id):
            if incident.do == "restart":
                if incident.at <= at < incident.down_until:
                    half = (incident.at + incident.down_until) / 2
                    status = "Unassigned" if at < half else "Starting"
                continue
            if not incident.holds(at):
                continue
            if incident.do == "broken":
                status = "Broken"
            elif incident.do == "paused":
                status = desired = "Paused"
            elif incident.do == "stopped":
                status, desired = "Stopped", incident.args.get("desired_state", "Active")
            elif incident.do == "status":
                status = incident.args["value"]
            elif incident.do == "task_failed":
                failed.append(int(incident.args.get("task", 0)))
        usual = _TASK_OF_STATUS.get(str(status), "RUNNING")
        tasks: dict[int, Value] = dict.fromkeys(range(entity.tasks), usual)
        tasks.update(dict.fromkeys(failed, "FAILED"))
        for (part, metric), value in self.pins.of(entity.id, at).items():
            if part is None and metric == "connector_status":
                status = value
            elif part is None and metric == "desired_state":
                desired = value
            elif part is not None and metric == "task_status":
                tasks[int(part[1])] = value
        return ConnectorState(status, desired, tasks)

    def transform(self, entity: Transform, at: float) -> Value:
        """State of a Flink job."""
        status: Value = "RUNNING"
        for incident in self.timeline.of(entity.id):
            if incident.holds(at) and incident.do == "transform_failed":
                status = incident.args.get("status", "FAILED")
            elif incident.holds(at) and incident.do == "status":
                status = incident.args["value"]
        status = self.pins.get(entity.id, "status", at, status)
        found: Value = self.pins.get(entity.id, "transform_status", at, status)
        return found

    def transform_ran_since(self, entity: Transform, at: float) -> float:
        """When its job was last started."""
        ended = [i.until for i in self.timeline.of(entity.id) if i.do == "transform_failed" and i.until <= at]
        return max(ended, default=-entity.uptime)

    def pipeline(self, entity: Pipeline, at: float) -> Value:
        """State of a pipeline: its own trouble, or that of what it is made of."""
        found: Value = self.pins.get(entity.id, "status", at, UNSET)
        if found is not UNSET:
            return found
        for incident in reversed(self.timeline.of(entity.id)):
            if incident.holds(at) and incident.do in ("broken", "status"):
                return "Broken" if incident.do == "broken" else incident.args["value"]
        states = []
        for id in (entity.source, entity.destination):
            part = self.find(id, at)
            if isinstance(part, Source | Destination):
                states.append(self.connector(part, at).status)
        jobs = [self.find(id, at) for id in entity.transforms]
        if "Broken" in states or any(isinstance(j, Transform) and self.transform(j, at) == "FAILED" for j in jobs):
            return "Broken"
        return "Stopped" if {"Paused", "Stopped"} & set(states) else "Active"

    def lag_ms(self, source: Source, at: float) -> float:
        """What incidents add to a source's delay."""
        return sum(
            incident.ramp(at, float(incident.args.get("to", 900_000.0)))
            for incident in self.timeline.of(source.id)
            if incident.do == "lag"
        )

    def backlog(self, destination: Destination, at: float) -> float:
        """Records that incidents keep from being delivered."""
        waiting = 0.0
        for incident in self.timeline.of(destination.id):
            if incident.do == "destination_lag":
                waiting += incident.ramp(at, float(incident.args.get("to", 100_000.0)))
            elif incident.do in ("broken", "paused", "stopped") and incident.holds(at):
                waiting += (at - incident.at) * self.fleet.inflow.get(destination.id, 0.0)
        return waiting

    def unmeasured(self, entity: Listed, at: float) -> frozenset[str] | None:
        """Names of metrics that are missing; None: all of them are."""
        names: set[str] = set()
        for incident in self.timeline.of(entity.id):
            if incident.do == "no_readings" and incident.holds(at):
                if not incident.args.get("metrics"):
                    return None
                names.update(incident.args["metrics"])
        return frozenset(names)

    def set_readings(self, entity: Listed, at: float) -> dict[tuple[Part, str], Value]:
        """Readings that an incident or a hand has set, instead of those the world would have."""
        found: dict[tuple[Part, str], Value] = {}
        for incident in self.timeline.of(entity.id):
            if incident.do == "set" and incident.holds(at):
                part: Part = None
                if "task" in incident.args:
                    part = ("task", str(incident.args["task"]))
                elif "topic" in incident.args:
                    part = ("topic", topic_id(entity, str(incident.args["topic"])))
                found[part, str(incident.args["metric"])] = incident.args["value"]
        for (part, metric), value in self.pins.of(entity.id, at).items():
            if metric not in ("exists", "name", "desired_state", "task_status"):
                found[part, metric] = value
        return found


def topic_id(entity: Listed, topic: str) -> str:
    """A source's topic may be called by its table alone."""
    return f"source_{entity.id}.{topic}" if isinstance(entity, Source) and topic in entity.tables else topic


def finite(value: float) -> int:
    """Whole milliseconds or records, as the API gives them."""
    return round(value) if math.isfinite(value) else 0


def describe(entity: Listed) -> str:
    """As people write it: `source/prod-orders`."""
    return f"{KIND_OF[type(entity)]}/{entity.name}"
