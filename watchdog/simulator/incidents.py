"""What can happen to an entity: the vocabulary of scenarios, and when each effect is in force.

Instants are seconds since the simulator began, on the scenario's clock; an incident holds in [at, until).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from watchdog.simulator.flow import Course, Span

FOREVER = math.inf
_CONNECTORS = frozenset({"source", "destination"})
_SOURCE = frozenset({"source"})
_ANY = frozenset({"source", "destination", "transform", "pipeline"})


class Arg(StrEnum):
    """What an argument of an incident is."""

    DURATION = "a duration, e.g. 90s or 5m"
    NUMBER = "a number"
    WHOLE = "a whole number"
    TEXT = "a text"
    FLAG = "true or false"
    SCALAR = "a number, a text, true, false or null"
    TEXTS = "a text or a list of texts"
    OUTCOME = "completed, failed, hanging or cancelled"
    DURATION_OR_NUMBER = "a duration, e.g. 15m, or a number of milliseconds"


@dataclass(frozen=True, slots=True)
class Doing:
    """One kind of incident: whom it can happen to, what can be said about it, and one sentence."""

    kinds: frozenset[str]
    meaning: str
    args: Mapping[str, Arg] = field(default_factory=dict)
    required: frozenset[str] = frozenset()


_RAMP = {"over": Arg.DURATION, "drain": Arg.DURATION}

DOINGS: Mapping[str, Doing] = {
    "lag": Doing(_SOURCE, "its delay grows to `to` within `over`, and falls within `drain` afterwards",
                 {"to": Arg.DURATION_OR_NUMBER, **_RAMP}),
    "destination_lag": Doing(frozenset({"destination"}), "nothing is delivered; `to` records wait after `over`",
                             {"to": Arg.NUMBER, **_RAMP}),
    "idle": Doing(_SOURCE, "its database has no events: healthy, but quiet; the delay freezes"),
    "stall": Doing(_SOURCE, "Active, but writes nothing; with `reading: false` it reads nothing either",
                   {"reading": Arg.FLAG}),
    "task_failed": Doing(_CONNECTORS, "task `task` is FAILED while the connector says Active", {"task": Arg.WHOLE}),
    "broken": Doing(frozenset({"source", "destination", "pipeline"}), "Broken, with every task FAILED"),
    "paused": Doing(_CONNECTORS, "Paused, as its operators asked"),
    "stopped": Doing(_CONNECTORS, "Stopped although Active was asked for", {"desired_state": Arg.TEXT}),
    "status": Doing(_ANY, "its state is `value`, whatever that may be", {"value": Arg.SCALAR}, frozenset({"value"})),
    "restart": Doing(_CONNECTORS, "Unassigned, then Starting, for `takes`; counters begin at 0, clocks at -1",
                     {"takes": Arg.DURATION, "first_event": Arg.DURATION}),
    "snapshot": Doing(_SOURCE, "a snapshot of `rows` rows runs, and ends with `outcome`",
                      {"rows": Arg.NUMBER, "outcome": Arg.OUTCOME}),
    "dead_letters": Doing(frozenset({"destination"}), "`rate` records a second go to its dead letter queue; no lag",
                          {"rate": Arg.NUMBER}),
    "transform_failed": Doing(frozenset({"transform"}), "its job is FAILED, or what `status` says",
                              {"status": Arg.TEXT}),
    "vanish": Doing(_ANY, "it is neither listed nor measured"),
    "appear": Doing(_ANY, "it did not exist before `at`"),
    "rename": Doing(_ANY, "it is called `to`", {"to": Arg.TEXT}, frozenset({"to"})),
    "no_readings": Doing(_ANY, "it is listed but not measured; with `metrics`, only those are missing",
                         {"metrics": Arg.TEXTS}),
    "stale": Doing(_ANY, "its metrics and their timestamps stand still, its state does not"),
    "set": Doing(_ANY, "its reading `metric` (of a `task` or `topic`) is `value`",
                 {"metric": Arg.TEXT, "value": Arg.SCALAR, "task": Arg.WHOLE, "topic": Arg.TEXT},
                 frozenset({"metric", "value"})),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Incident:
    """Something of kind `do` that happens to the entity with this id; `args` as DOINGS names them."""

    do: str
    entity: str
    at: float
    until: float = FOREVER
    args: Mapping[str, Any] = field(default_factory=dict)

    def holds(self, at: float) -> bool:
        return self.at <= at < self.until

    def ramp(self, at: float, to: float) -> float:
        """How much of `to` is there at `at`: growing within `over`, draining within `drain` after the end."""
        if at < self.at:
            return 0.0
        over = float(self.args.get("over", 0.0)) or 1e-9
        if at < self.until:
            return to * min(1.0, (at - self.at) / over)
        drain = float(self.args.get("drain", 0.0))
        if not drain or at >= self.until + drain:
            return 0.0
        return to * min(1.0, (self.until - self.at) / over) * (1 - (at - self.until) / drain)

    @property
    def down_until(self) -> float:
        """Until when a restart keeps the connector from running."""
        return self.at + float(self.args.get("takes", 10.0))


@dataclass(frozen=True, slots=True)
class Courses:
    """What the incidents of one connector do to its reading, its writing and its tasks' writing."""

    reading: Course
    writing: Course
    of_task: Mapping[int, Course]


def courses(incidents: Iterable[Incident]) -> Courses:
    """What keeps one connector from flowing, and when its counters begin anew."""
    idle: list[Span] = []
    unread: list[Span] = []
    unwritten: list[Span] = []
    resets: list[float] = []
    of_task: dict[int, list[Span]] = {}
    for incident in incidents:
        span = (incident.at, incident.until)
        if incident.do == "idle":
            idle.append(span)
        elif incident.do == "stall":
            (unwritten if incident.args.get("reading", True) else unread).append(span)
        elif incident.do == "destination_lag":
            unread.append(span)
        elif incident.do in ("broken", "stopped"):
            unread.append(span)
            resets.append(incident.until)  # it takes a restart to come back
        elif incident.do == "paused":
            unread.append(span)
        elif incident.do == "restart":
            unread.append((incident.at, incident.down_until + float(incident.args.get("first_event", 0.0))))
            resets.append(incident.at)
        elif incident.do == "task_failed":
            of_task.setdefault(int(incident.args.get("task", 0)), []).append(span)

    def course(*more: list[Span]) -> Course:
        spans = sorted(span for part in (unread, *more) for span in part)
        return Course(tuple(sorted(idle)), tuple(spans), tuple(sorted(resets)))

    tasks = {number: course(unwritten, spans) for number, spans in of_task.items()}
    return Courses(course(), course(unwritten), tasks)


class Timeline:
    """All incidents, by entity."""

    def __init__(self, incidents: Iterable[Incident] = ()) -> None:
        self._of: dict[str, list[Incident]] = {}
        for incident in sorted(incidents, key=lambda found: found.at):
            self._of.setdefault(incident.entity, []).append(incident)
        self._courses = {entity: courses(found) for entity, found in self._of.items()}

    def of(self, entity: str) -> list[Incident]:
        """Of one entity, in the order of their beginnings."""
        return self._of.get(entity, [])

    def courses_of(self, entity: str) -> Courses | None:
        """None: nothing ever happens to it."""
        return self._courses.get(entity)

    @property
    def ends(self) -> float:
        """When the last incident is over, drained included; infinite if one never ends."""
        found = [i.until + float(i.args.get("drain", 0.0)) for found in self._of.values() for i in found]
        return max(found, default=0.0)
