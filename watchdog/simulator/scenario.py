"""A scenario: what happens to whom and when, on which fleet; what it comes to on a given fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from watchdog.errors import ConfigError, Mistake
from watchdog.simulator.dialect import Dialect
from watchdog.simulator.faults import Fault
from watchdog.simulator.fleet import KIND_OF, Fleet, Listed
from watchdog.simulator.incidents import DOINGS, FOREVER, Incident
from watchdog.simulator.scenario_values import choice

API_FAULT = "api_fault"

@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to the entities these patterns name; `place` is where the file says so.

    `do` is one of DOINGS, or `api_fault`: then `args` are those of a Fault, and the entities those it leaves out.
    """

    do: str
    entities: tuple[str, ...]
    at: float
    until: float = FOREVER
    args: Mapping[str, Any] = field(default_factory=dict)
    place: Mistake | None = None

    def mistake(self, what: str) -> Mistake:
        place = self.place or Mistake("scenario", 1, 1, "")
        return Mistake(place.file, place.line, place.column, what)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens, on which fleet, told in which dialect."""

    name: str = ""
    description: str = ""
    seed: int = 1
    sources: int = 12
    speed: float = 1.0
    dialect: Dialect = field(default_factory=Dialect)
    events: tuple[Event, ...] = ()

    @property
    def ends(self) -> float:
        """Scenario seconds after which everything is over; infinite if something never ends."""
        return max(
            (e.at if e.do == "appear" else e.until + float(e.args.get("drain", 0.0)) for e in self.events), default=0.0
        )

    def bind(self, fleet: Fleet) -> tuple[list[Incident], list[Fault]]:
        """The events on this fleet's entities. Raises ConfigError with every name that fits nobody."""
        incidents: list[Incident] = []
        faults: list[Fault] = []
        mistakes: list[Mistake] = []
        for event in self.events:
            kinds = frozenset(KIND_OF.values()) if event.do == API_FAULT else DOINGS[event.do].kinds
            concerned: list[Listed] = []
            for pattern in event.entities:
                found = matching(fleet, pattern)
                fit = [entity for entity in found if KIND_OF[type(entity)] in kinds]
                if not fit:
                    mistakes.append(event.mistake(_nobody(fleet, event.do, kinds, pattern, found)))
                if len(fit) > 1 and "*" not in pattern and "?" not in pattern:
                    names = " or ".join(f"{KIND_OF[type(entity)]}/{entity.name}" for entity in fit)
                    mistakes.append(event.mistake(f"{pattern!r} is ambiguous; write {names}"))
                concerned += fit
                task = event.args.get("task")
                for entity in fit:
                    tasks = getattr(entity, "tasks", None)
                    if isinstance(task, int) and tasks is not None and task >= tasks:
                        what = f"{entity.name} has no task {task}; its tasks are 0 to {tasks - 1}"
                        mistakes.append(event.mistake(what))
            ids = tuple(dict.fromkeys(entity.id for entity in concerned))
            if event.do == API_FAULT:
                faults.append(Fault(**event.args, at=event.at, until=event.until, ids=ids))
            else:
                incidents += [Incident(event.do, id, event.at, event.until, event.args) for id in ids]
        if mistakes:
            raise ConfigError("\n".join(map(str, sorted(mistakes))))
        return incidents, faults


def matching(fleet: Fleet, pattern: str) -> list[Listed]:
    """Entities a pattern names: `name`, `kind/name` or an id, with globs."""
    if pattern in fleet.by_id:
        return [fleet.by_id[pattern]]
    kind, _, name = pattern.rpartition("/")
    return [e for e in fleet.all if fnmatchcase(e.name, name) and kind in ("", KIND_OF[type(e)])]


def _nobody(fleet: Fleet, do: str, kinds: frozenset[str], pattern: str, found: Sequence[Listed]) -> str:
    if found:
        kind = KIND_OF[type(found[0])]
        return f"{do!r} does not happen to a {kind} ({pattern}); it happens to a {' or '.join(sorted(kinds))}"
    names = [entity.name for entity in fleet.all if KIND_OF[type(entity)] in kinds]
    return f"there is no {' or '.join(sorted(kinds))} {pattern!r}; {choice(pattern.rpartition('/')[2], names)}"
