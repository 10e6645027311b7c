"""Scenario files: what happened to others, and what the pack must say of it.

A scenario is a rule test without its expectations (`entities`, `readings` in the same notation, one value a minute) and:

- `title`, `source` (where it was published), `seen` (what people saw in their metrics, in our words);
- entities may say how they live while nothing is wrong: `rhythm`, `per_minute`, `heartbeats`;
- `happens`: from minute 0 on, what changes in their world; the last value stays, `_` is as usual;
- `first`: the rule (or rules, where several are right) that must be heard first, on which entity, `within` which time;
- or `unseen`: why metrics cannot show it; then nothing is expected;
- or `quiet`: why nobody may be paged, although it looks like trouble;
- `earlier`: so long before the others it begins; `visible: counted`: only where write counters count heartbeats;
- `service`: readings of the watchdog itself, in the same notation; `api_down`: minutes without the API.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from incidents.physics import STATUSES, TASKS
from incidents.rhythms import RHYTHMS
from watchdog.trials.series import Value, parse_series
from watchdog.units import parse_duration

BANK = Path(__file__).parent / "bank"
KINDS = ("source", "destination", "pipeline", "transform")
_TOP = {"title", "source", "seen", "entities", "happens", "readings", "first", "unseen", "quiet", "lasts", "api_down", "service", "earlier", "visible"}
_ENTITY = {*KINDS, "connector", "rhythm", "per_minute", "heartbeats", "others_per_minute", "rest", "from", "to", "tasks"}
#: What can happen to whom; words stand for codes.
THINGS = {
    "source": ("changes", "others", "reads", "writes", "heart", "attached", "lag", "restarts", "snapshot", "rows", "status", "desired", "task", "answered", "listed"),
    "destination": ("arrives", "takes", "letters", "restarts", "status", "desired", "task", "answered", "listed"),
    "pipeline": ("status",),
    "transform": ("status",),
}  # fmt: skip


class ScenarioError(ValueError):
    """A scenario file has a mistake; the message names the file."""


@dataclass(frozen=True)
class Thing:
    """What one entity is while nothing is wrong."""

    kind: str
    name: str
    connector: str
    rhythm: str
    per_minute: float
    heartbeats: float
    others: float
    rest: float
    ends: tuple[str, str]
    tasks: int


@dataclass(frozen=True)
class First:
    alerts: tuple[str, ...]
    entity: str
    within: float


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    source: str
    seen: str
    entities: tuple[Thing, ...]
    happens: dict[tuple[str, str], list[Value]]
    readings: dict[tuple[str, str], list[Value]]
    first: First | None
    unseen: str
    quiet: str
    lasts: float
    api_down: tuple[float, float] | None = None
    service: dict[str, list[Value]] = field(default_factory=dict)
    earlier: float = 0.0
    visible: str = ""

    @property
    def alone(self) -> bool:
        """Whether it is about the whole API, and so needs a world of its own."""
        return self.api_down is not None or bool(self.service)

    def at(self, entity: str, thing: str, minute: float) -> Value:
        """What happens to an entity at a minute of the bank; None: as usual."""
        values, minute = self.happens.get((entity, thing)), minute + self.earlier / 60
        if values is None or minute < 0:
            return None
        return values[min(int(minute), len(values) - 1)]


def read(file: Path) -> Scenario:
    """Raises ScenarioError."""
    found = yaml.safe_load(file.read_text())
    _known(file, found, _TOP)
    for key in ("title", "source", "seen", "entities"):
        if key not in found:
            raise ScenarioError(f"{file.name}: {key}: is missing")
    if sum(key in found for key in ("first", "unseen", "quiet")) != 1:
        raise ScenarioError(f"{file.name}: one of first:, unseen: and quiet: is needed")
    entities = tuple(_thing(file, one) for one in found["entities"])
    kinds = {one.name: one.kind for one in entities}
    first = None
    if "first" in found:
        said = found["first"]
        alerts = said["alert"] if isinstance(said["alert"], list) else [said["alert"]]
        first = First(tuple(alerts), str(said["entity"]), _seconds(said["within"]))
    happens = {}
    for one in found.get("happens", ()):
        kind = kinds.get(one["entity"], "")
        for thing, values in one.items():
            if thing == "entity":
                continue
            if thing not in THINGS.get(kind, ()):
                raise ScenarioError(f"{file.name}: happens: '{thing}' of '{one['entity']}'; accepted: {', '.join(THINGS.get(kind, ()))}")
            happens[one["entity"], thing] = [_code(file, kind, thing, value) for value in parse_series(str(values))]
    readings = {(one["entity"], one["metric"]): parse_series(str(one["values"])) for one in found.get("readings", ())}
    down = found.get("api_down")
    earlier = _seconds(found.get("earlier", "0s"))
    lasts = _seconds(found.get("lasts", "2h")) if first is None else first.within + 300 - earlier
    return Scenario(
        file.stem, found["title"], found["source"], found["seen"], entities, happens, readings, first,
        found.get("unseen", ""), found.get("quiet", ""), lasts,
        (_seconds(down["from"]), _seconds(down["until"])) if down else None,
        {metric: parse_series(str(values)) for metric, values in found.get("service", {}).items()},
        earlier, found.get("visible", ""),
    )  # fmt: skip


def read_all(folder: Path = BANK) -> list[Scenario]:
    return [read(file) for file in sorted(folder.glob("*.yaml"))]


def _thing(file: Path, one: dict[str, Any]) -> Thing:
    _known(file, one, _ENTITY)
    kind = next((kind for kind in KINDS if kind in one), None)
    if kind is None:
        raise ScenarioError(f"{file.name}: an entity needs one of {', '.join(KINDS)}")
    rhythm = one.get("rhythm", "steady")
    if rhythm not in RHYTHMS:
        raise ScenarioError(f"{file.name}: rhythm '{rhythm}'; accepted: {', '.join(RHYTHMS)}")
    return Thing(kind, one[kind], one.get("connector", "postgresql" if kind == "source" else "snowflake"), rhythm,
                 float(one.get("per_minute", 600)), float(one.get("heartbeats", 1)), float(one.get("others_per_minute", 0)),
                 float(one.get("rest", 0)), (one.get("from", ""), one.get("to", "")), int(one.get("tasks", 1)))  # fmt: skip


def _code(file: Path, kind: str, thing: str, value: Value) -> Value:
    if not isinstance(value, str):
        return value
    words = {"status": STATUSES, "desired": STATUSES, "task": TASKS}.get(thing, ())
    if kind in ("pipeline", "transform"):
        return value
    if value not in words:
        raise ScenarioError(f"{file.name}: {thing}: '{value}'; accepted: {', '.join(words)}")
    return float(words.index(value))


def _known(file: Path, found: dict[str, Any], keys: set[str]) -> None:
    for key in found.keys() - keys:
        raise ScenarioError(f"{file.name}: unknown key '{key}'; accepted: {', '.join(sorted(keys))}")


def _seconds(text: str) -> float:
    return parse_duration(str(text))


def worlds(scenario: Scenario, *, all_of_them: bool) -> Iterator[World]:
    """In which worlds it is played: what nobody knows of the API, in every combination that matters."""
    if scenario.alone:
        yield World(True, True, True)
        return
    found = [World(True, True, True), World(False, False, True)]
    if all_of_them:
        found += [World(True, False, True), World(False, True, True), World(True, False, False)]
    for world in found:
        if world.counted or scenario.visible != "counted":
            yield world


@dataclass(frozen=True)
class World:
    """What nobody knows of the API: whether write counters count heartbeats, whether an attribute that is gone keeps its
    last value, whether it has attributes that its documentation does not name."""

    counted: bool
    kept: bool
    undocumented: bool

    def __str__(self) -> str:
        said = ("counted" if self.counted else "uncounted", "kept" if self.kept else "gap", *(() if self.undocumented else ("documented",)))
        return "-".join(said)
